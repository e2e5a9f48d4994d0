// Addresses as Envoy writes them.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AddressSchema } from "../gen/envoy/config/core/v3/address_pb.ts";

export type AddressInit = MessageInitShape<typeof AddressSchema>;

/** `unix:///path` (or an absolute path) is a unix socket, whose port is ignored. */
export function socketAddress(address: string, port: number): AddressInit {
  const path = address.startsWith("unix://") ? address.slice("unix://".length) : address;
  if (path.startsWith("/")) return { address: { case: "pipe", value: { path } } };
  return {
    address: { case: "socketAddress", value: { address, portSpecifier: { case: "portValue", value: port } } },
  };
}
