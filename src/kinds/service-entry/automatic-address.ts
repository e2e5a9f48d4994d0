// Addresses for hosts that have none, so that TCP to two of them on one port can be told apart. Control plane and
// DNS compute the same from the same ServiceEntries: nothing is stored, and nothing depends on history.

import { canonicalHostname } from "../../core/hostname.ts";
import type { ServiceEntry } from "./service-entry.ts";

const OPT_OUT_LABEL = "networking.istio.io/enable-autoallocate-ip";
// Istio's default range, 240.240.0.0/16, without its first and last address.
const PREFIX = "240.240";
const IPV6_PREFIX = "2001:2::f0f0";
const ADDRESS_COUNT = 65_534;

/** `namespace/host` of each host that gets an address: of ServiceEntries without addresses whose endpoints are known. */
export function automaticAddressKeys({ metadata, spec }: ServiceEntry): readonly string[] {
  const { hosts, addresses = [], resolution = "NONE" } = spec;
  if (addresses.length > 0 || resolution === "NONE") return [];
  if (metadata.labels?.[OPT_OUT_LABEL] === "false") return [];
  return hosts.filter((host) => !host.includes("*")).map((host) => automaticAddressKey(metadata, host));
}

/** Of a host in any spelling. */
export function automaticAddressKey(
  { namespace }: Pick<ServiceEntry["metadata"], "namespace">,
  host: string,
): string {
  return `${namespace}/${canonicalHostname(host)}`;
}

/**
 * By key. An address follows from its own key, unless another key falls on the same: then the next free one, in the
 * order of the keys. Keys beyond the range's 65,534 addresses get none.
 */
export function allocateAutomaticAddresses(keys: Iterable<string>): ReadonlyMap<string, string> {
  const keysByIndex = new Map<number, string>();
  for (const key of [...new Set(keys)].sort().slice(0, ADDRESS_COUNT)) {
    let index = hash(key) % ADDRESS_COUNT;
    while (keysByIndex.has(index)) index = (index + 1) % ADDRESS_COUNT;
    keysByIndex.set(index, key);
  }
  return new Map([...keysByIndex].map(([index, key]) => [key, addressAt(index + 1)]));
}

/** Of the same host, for clients that have IPv6: in 2001:2::/48, by the same number. */
export function automaticIpv6Address(ipv4: string): string {
  const [, , high, low] = ipv4.split(".").map(Number);
  return `${IPV6_PREFIX}:${(((high ?? 0) << 8) | (low ?? 0)).toString(16)}`;
}

function addressAt(offset: number): string {
  return `${PREFIX}.${offset >> 8}.${offset & 0xff}`;
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value >>> 0;
}
