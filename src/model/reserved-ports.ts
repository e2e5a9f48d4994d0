// Addresses and ports that proxies listen on themselves. Envoy refuses a second listener there, whichever comes second,
// so nothing that a user declares may become a listener on one.

import { isLoopbackAddress, isUnspecifiedAddress } from "../core/cidr.ts";
import { ISTIO_PROXY_PORTS } from "../core/proxy-ports.ts";
import type { MeshConfigSpec } from "../kinds/mesh-config/mesh-config-spec.ts";

export interface ReservedPorts {
  /** Where sidecars take captured traffic: outbound and inbound. */
  readonly capture: readonly number[];
  /** What every proxy opens on all addresses. */
  readonly everyAddress: readonly number[];
  readonly loopback: readonly number[];
}

/** Ports that a single pod's annotation moves aren't known here; a collision there is that pod's own. */
export function reservedPorts(
  capture: readonly number[],
  defaultConfig: MeshConfigSpec["defaultConfig"],
): ReservedPorts {
  const { admin, agent, health, envoyStats } = ISTIO_PROXY_PORTS;
  return {
    capture,
    everyAddress: [defaultConfig?.statusPort ?? agent, health, envoyStats],
    loopback: [defaultConfig?.proxyAdminPort ?? admin],
  };
}

/** For a listener of a sidecar. */
export function isReservedInSidecar(
  { capture, everyAddress, loopback }: ReservedPorts,
  address: string,
  port: number,
): boolean {
  if (isUnspecifiedAddress(address)) return capture.includes(port) || everyAddress.includes(port);
  return isLoopbackAddress(address) && loopback.includes(port);
}

/**
 * For a listener of a gateway, whatever it binds: one on a single address would take the connections to the proxy's own
 * listener there. Gateways capture nothing.
 */
export function isReservedInGateway({ everyAddress, loopback }: ReservedPorts, port: number): boolean {
  return everyAddress.includes(port) || loopback.includes(port);
}
