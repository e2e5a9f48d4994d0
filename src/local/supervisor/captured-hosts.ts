// What DNS in pods that capture it says beyond the cluster's names: hosts of ServiceEntries, by their own addresses or
// by those that the control plane makes listeners for. Pure.

import {
  allocateAutomaticAddresses,
  automaticAddressKey,
  automaticAddressKeys,
} from "../../kinds/service-entry/automatic-address.ts";
import type { ServiceEntry } from "../../kinds/service-entry/service-entry.ts";
import type { DnsHost } from "../dns/dns-table.ts";

/** A host that several ServiceEntries name is the first one's by namespace and name. */
export function buildCapturedHosts(entries: readonly ServiceEntry[]): readonly DnsHost[] {
  const automatic = allocateAutomaticAddresses(entries.flatMap(automaticAddressKeys));
  const hosts = new Map<string, DnsHost>();
  for (const { metadata, spec } of [...entries].sort(byPlace)) {
    for (const name of spec.hosts) {
      const own = automatic.get(automaticAddressKey(metadata, name));
      const addresses = own === undefined ? singleAddresses(spec.addresses) : [own];
      if (addresses.length === 0 || name.includes("*") || hosts.has(name)) continue;
      hosts.set(name, { name, addresses });
    }
  }
  return [...hosts.values()];
}

/** DNS can't say a range. */
function singleAddresses(addresses: readonly string[] = []): readonly string[] {
  return addresses.filter((address) => !address.includes("/"));
}

function byPlace(one: ServiceEntry, other: ServiceEntry): number {
  const [a, b] = [one, other].map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  return (a ?? "") < (b ?? "") ? -1 : 1;
}
