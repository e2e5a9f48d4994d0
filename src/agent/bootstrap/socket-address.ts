// Addresses and socket options in Envoy's words.

import type { JsonObject } from "@bufbuild/protobuf";
import type { OfFamilies } from "../../core/ip-families.ts";

export function socketAddress(address: string, port: number): JsonObject {
  return { socketAddress: { address, portValue: port } };
}

/** An address of each of the pod's IP families. */
export function listeningOn([address, additional]: OfFamilies<string>, port: number): JsonObject {
  return {
    address: socketAddress(address, port),
    ...(additional !== undefined && { additionalAddresses: [{ address: socketAddress(additional, port) }] }),
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
