// Addresses and socket options in Envoy's words.

import type { JsonObject } from "@bufbuild/protobuf";

export function socketAddress(address: string, port: number): JsonObject {
  return { socketAddress: { address, portValue: port } };
}

/** Several addresses of one listener. */
export function listeningOn(
  [address, ...additional]: readonly [string, ...(readonly string[])],
  port: number,
): JsonObject {
  return {
    address: socketAddress(address, port),
    // An address of IPv6 can't be bound in its first second otherwise.
    freebind: true,
    ...(additional.length > 0 && {
      additionalAddresses: additional.map((each) => ({ address: socketAddress(each, port) })),
    }),
  };
}

/** `mode` is set on the socket file of a listener; for an upstream it has no meaning. */
export function pipeAddress(path: string, mode?: number): JsonObject {
  return { pipe: { path, ...(mode !== undefined && { mode }) } };
}

const SOL_SOCKET = 1;
const SO_MARK = 36;

/** Linux's SO_MARK, which iptables' `-m mark` sees. Needs CAP_NET_ADMIN. */
export function markOption(mark: number): JsonObject {
  return {
    description: "mark of the proxy's own traffic",
    level: SOL_SOCKET,
    name: SO_MARK,
    intValue: mark,
    state: "STATE_PREBIND",
  };
}
