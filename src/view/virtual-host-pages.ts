// Pages of virtual hosts: those of one port and namespace, which most clients' tables share. A large page is in
// sections, so that a change of one virtual host concerns its section and no other.

import type { Graph } from "../graph/graph.ts";
import type { Row, Table } from "../graph/table.ts";
import { MESH_SCOPE } from "./client-scope.ts";
import { splitLayerKey } from "./scoped-rows.ts";
import { isPort, pageKey, pageOf, type SettledNames } from "./settled-names.ts";
import type { HostNames } from "./virtual-host-names.ts";

export interface PageSection {
  /** The page's key. */
  readonly page: string;
  /** By the keys of the virtual hosts' rows. */
  readonly hosts: readonly Row<HostNames>[];
}

export function declarePageSections(graph: Graph, names: SettledNames): Table<PageSection> {
  const byPage = graph.index(names.ofHosts, "virtual hosts by page", (host, key) => {
    const isOnPage = splitLayerKey(key).layer === MESH_SCOPE.id && isPort(host.routeName);
    return isOnPage ? [pageKey(host.routeName, pageOf(host))] : [];
  });
  return graph.derive<readonly Row<HostNames>[], PageSection>({
    name: "sections of virtual host pages",
    from: graph.group("virtual hosts of pages", byPage),
    rows: (page, hosts) =>
      cutIntoSections(hosts).map(
        ({ first, members }) => [`${page} ${first}`, { page, hosts: members }] as const,
      ),
  });
}

const MEAN_SECTION_LENGTH = 32;

/** Whether a row begins a section depends on its key alone, so that a row that comes or goes moves no others. */
function cutIntoSections<V>(
  rows: readonly Row<V>[],
): readonly { readonly first: string; readonly members: readonly Row<V>[] }[] {
  const sections: { readonly first: string; readonly members: Row<V>[] }[] = [];
  for (const row of rows) {
    const [key] = row;
    const section = fnv1a(key) % MEAN_SECTION_LENGTH === 0 ? undefined : sections.at(-1);
    if (section === undefined) sections.push({ first: key, members: [row] });
    else section.members.push(row);
  }
  return sections;
}

/** Folded, since its lowest bits follow from the lowest bits of the text alone. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash ^ (hash >>> 16)) >>> 0;
}
