// Services of type ExternalName: other names for a service of the mesh. Clients that call one send its name as their
// Host, and come to the other's address; those whose target the mesh doesn't know are no matter of ours.

import { canonicalHostname } from "../core/hostname.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import type { Index } from "../graph/table-index.ts";
import type { Service } from "../kinds/service.ts";
import type { MeshSettings } from "./mesh-settings.ts";
import type { Sources } from "./sources.ts";

/** The alias's own hostname, and the one that it stands for. */
interface Alias {
  readonly hostname: string;
  readonly target: string;
}

export type Aliases = Index<Alias>;

// As many as DNS servers follow.
const MAX_CHAIN_LENGTH = 10;

export function declareAliases(graph: Graph, sources: Sources, settings: Table<MeshSettings>): Aliases {
  const table = graph.derive<Service, Alias>({
    name: "service aliases",
    from: sources.Service,
    rows: (key, { metadata: { name, namespace }, spec }, read) => {
      if (spec?.type !== "ExternalName" || spec.externalName === undefined) return [];
      const hostname = `${name}.${namespace}.svc.${read.one(settings).clusterDomain}`;
      return [[key, { hostname, target: canonicalHostname(spec.externalName) }]];
    },
  });
  return graph.index(table, "service aliases by target", ({ target }) => [target]);
}

/** Also aliases of aliases; sorted. */
export function aliasesOf(hostname: string, aliases: Aliases, read: Read): readonly string[] {
  const found = new Set<string>();
  let targets: readonly string[] = [hostname];
  for (let length = 0; length < MAX_CHAIN_LENGTH && targets.length > 0; length++) {
    targets = targets
      .flatMap((target) => read.find(aliases, target).map(([, alias]) => alias.hostname))
      .filter((alias) => alias !== hostname && !found.has(alias));
    for (const alias of targets) found.add(alias);
  }
  return [...found].sort();
}
