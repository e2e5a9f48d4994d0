// Addresses and socket options in Envoy's words.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AddressSchema } from "../../gen/envoy/config/core/v3/address_pb.ts";
import type { SocketOptionSchema } from "../../gen/envoy/config/core/v3/socket_option_pb.ts";
import { SocketOption_SocketState } from "../../gen/envoy/config/core/v3/socket_option_pb.ts";

type AddressInit = MessageInitShape<typeof AddressSchema>;

export function socketAddress(address: string, port: number): AddressInit {
  const value = { address, portSpecifier: { case: "portValue", value: port } } as const;
  return { address: { case: "socketAddress", value } };
}

/** `mode` is set on the socket file of a listener; for an upstream it has no meaning. */
export function pipeAddress(path: string, mode = 0): AddressInit {
  return { address: { case: "pipe", value: { path, mode } } };
}

const SOL_SOCKET = 1n;
const SO_MARK = 36n;

/** Linux's SO_MARK, which iptables' `-m mark` sees. Needs CAP_NET_ADMIN. */
export function markOption(mark: number): MessageInitShape<typeof SocketOptionSchema> {
  return {
    description: "mark of the proxy's own traffic",
    level: SOL_SOCKET,
    name: SO_MARK,
    value: { case: "intValue", value: BigInt(mark) },
    state: SocketOption_SocketState.STATE_PREBIND,
  };
}
