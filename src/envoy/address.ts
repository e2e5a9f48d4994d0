// Addresses as Envoy writes them.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AddressSchema, BindConfigSchema } from "../gen/envoy/config/core/v3/address_pb.ts";

export type AddressInit = MessageInitShape<typeof AddressSchema>;

/** Of a listener or an endpoint that may have a second address, of the other IP family. */
export function bothAddresses([address, additional]: readonly [string, (string | undefined)?], port: number) {
  return {
    address: socketAddress(address, port),
    ...(additional === undefined
      ? {}
      : { additionalAddresses: [{ address: socketAddress(additional, port) }] }),
  };
}

/** Connections leave from the source of their destination's family. */
export function bindConfig([source, extra]: readonly [string, string?]): MessageInitShape<
  typeof BindConfigSchema
> {
  return {
    sourceAddress: unboundSource(source),
    ...(extra === undefined ? {} : { extraSourceAddresses: [{ address: unboundSource(extra) }] }),
  };
}

function unboundSource(address: string) {
  return { address, portSpecifier: { case: "portValue" as const, value: 0 } };
}

/** `unix:///path` (or an absolute path) is a unix socket, whose port is ignored. */
export function socketAddress(address: string, port: number): AddressInit {
  const path = address.startsWith("unix://") ? address.slice("unix://".length) : address;
  if (path.startsWith("/")) return { address: { case: "pipe", value: { path } } };
  return {
    address: { case: "socketAddress", value: { address, portSpecifier: { case: "portValue", value: port } } },
  };
}
