// Which virtual hosts share a name with another one on their port, for whatever clients. All others stand with every
// name that they claim, so nobody has to settle them, and one that comes or goes concerns those it shares names with.

import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import type { Index } from "../graph/table-index.ts";
import { splitLayerKey } from "./layer-id.ts";
import { claimedDomains, type HostNames, isPort } from "./virtual-host-names.ts";

/**
 * One row for each virtual host of a port, of all layers, that may lose a name. Those that share a name are all
 * among them, so that they can be settled without the others.
 */
export function declareContestedHosts(graph: Graph, ofHosts: Table<HostNames>): Table<HostNames> {
  const claims = graph.index(ofHosts, "virtual hosts by claimed names", (names) => {
    const { routeName } = names;
    if (!isPort(routeName)) return [];
    const { common, ofDomains } = claimsOf(names);
    return [
      ...common.map((name) => commonClaim(routeName, name)),
      ...ofDomains.flatMap(({ domain, name }) => [
        claimInDomain(routeName, name, domain),
        claimInSomeDomain(routeName, name),
      ]),
    ];
  });
  return graph.derive<HostNames, HostNames>({
    name: "virtual hosts with contested names",
    from: ofHosts,
    rows: (key, names, read) =>
      isPort(names.routeName) && isContested(key, names, { read, claims }) ? [[key, names]] : [],
  });
}

interface Claims {
  /** Clients of all domains call it so, the usual ones that is. */
  readonly common: readonly string[];
  /** Clients of this search domain alone call it so. */
  readonly ofDomains: readonly { readonly domain: string; readonly name: string }[];
}

function claimsOf({ host, domains, namespaceSuffix, aliasSuffixes }: HostNames): Claims {
  if (host === undefined) return { common: [], ofDomains: [] };
  const common = new Set<string>();
  const near = new Map([[namespaceSuffix, new Set<string>()]]);
  for (const [spelling, names = []] of Object.entries(domains)) {
    const isNear = spelling.startsWith("near ");
    const families = spelling.slice(spelling.indexOf(" ") + 1);
    for (const name of names) (isNear ? near.get(namespaceSuffix) : common)?.add(name.toLowerCase());
    if (!isNear) continue;
    for (const domain of aliasSuffixes) {
      const claimed = claimedDomains(host, { domain, families: families as "ipv4" | "ipv6" | "dual" });
      near.set(domain, new Set([...(near.get(domain) ?? []), ...claimed.map((name) => name.toLowerCase())]));
    }
  }
  const ofDomains = [...near].flatMap(([domain, names]) =>
    [...names].filter((name) => !common.has(name)).map((name) => ({ domain, name })),
  );
  return { common: [...common], ofDomains };
}

interface Context {
  readonly read: Read;
  readonly claims: Index<HostNames>;
}

function isContested(key: string, names: HostNames, { read, claims }: Context): boolean {
  const { host, routeName, domains } = names;
  if (host === undefined || Object.values(domains).some(isUnusual)) return true;
  const { name: row } = splitLayerKey(key);
  const isShared = (claim: string) =>
    read.find(claims, claim).some(([other]) => splitLayerKey(other).name !== row);
  const { common, ofDomains } = claimsOf(names);
  return (
    common.some(
      (name) => isShared(commonClaim(routeName, name)) || isShared(claimInSomeDomain(routeName, name)),
    ) ||
    ofDomains.some(
      ({ domain, name }) =>
        isShared(commonClaim(routeName, name)) || isShared(claimInDomain(routeName, name, domain)),
    )
  );
}

/** It has no names at all, or one of them twice. */
function isUnusual(names: readonly string[]): boolean {
  return names.length === 0 || new Set(names.map((name) => name.toLowerCase())).size < names.length;
}

function commonClaim(routeName: string, name: string): string {
  return `${routeName} ${name}`;
}

function claimInDomain(routeName: string, name: string, domain: string): string {
  return `${routeName} ${name} in ${domain}`;
}

function claimInSomeDomain(routeName: string, name: string): string {
  return `${routeName} ${name} in some domain`;
}
