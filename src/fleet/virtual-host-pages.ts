// Encoded virtual hosts, and pages of them: those of one port and namespace, spelled as clients of that namespace call
// them and as all others do. A port's table is then a few dozen pieces that most clients share. A large page is in
// sections, so that a change of one virtual host encodes its section and no other.

import type { Graph } from "../graph/graph.ts";
import type { Row, Table } from "../graph/table.ts";
import { MESH_SCOPE } from "../view/client-scope.ts";
import { type Scoped, splitLayerKey } from "../view/scoped-rows.ts";
import { isPort, pageKey, pageOf, type SettledNames, spelledPageKey } from "../view/settled-names.ts";
import type { SidecarVirtualHost } from "../view/sidecar-virtual-host.ts";
import type { Views } from "../view/views.ts";
import type { HostNames, Spelling } from "../view/virtual-host-names.ts";
import { type BuiltFragment, haveEqualFragments, joinParts, type ResourcePart } from "./built-resource.ts";
import { virtualHostBody, virtualHostsFragment } from "./route-fragments.ts";

/** By the keys of the virtual hosts' rows: all of a virtual host but its domains. */
export type VirtualHostBodies = Table<BuiltFragment>;

export function declareVirtualHostBodies(graph: Graph, views: Views): VirtualHostBodies {
  return graph.derive<Scoped<SidecarVirtualHost>, BuiltFragment>({
    name: "virtual host bodies",
    from: views.virtualHosts.table,
    // What it needs and comes from is said in its bytes.
    equal: (a, b) => a.fragment.hash === b.fragment.hash,
    rows: (key, row) => {
      if (row.kind === "absent") return [];
      return [[key, virtualHostBody(row.inputs)]];
    },
  });
}

interface Section {
  readonly page: string;
  readonly hosts: readonly Row<HostNames>[];
}

interface SpelledSection {
  readonly page: string;
  readonly spelling: Spelling;
  readonly part: ResourcePart;
}

/** By `spelledPageKey`, each page in every spelling that a client may need. */
export function declareVirtualHostPages(
  graph: Graph,
  bodies: VirtualHostBodies,
  names: SettledNames,
): Table<ResourcePart> {
  const byPage = graph.index(names.ofHosts, "virtual hosts by page", (host, key) => {
    const isOnPage = splitLayerKey(key).layer === MESH_SCOPE.id && isPort(host.routeName);
    return isOnPage ? [pageKey(host.routeName, pageOf(host))] : [];
  });
  const sections = graph.derive<readonly Row<HostNames>[], Section>({
    name: "sections of virtual host pages",
    from: graph.group("virtual hosts of pages", byPage),
    rows: (page, hosts) =>
      cutIntoSections(hosts).map(
        ({ first, members }) => [`${page} ${first}`, { page, hosts: members }] as const,
      ),
  });
  const spelledSections = graph.derive<Section, SpelledSection>({
    name: "spelled sections of virtual host pages",
    from: sections,
    equal: (a, b) => haveEqualFragments(a.part, b.part),
    *rows(key, { page, hosts }, read) {
      const members = hosts.flatMap(([row, host]) => {
        const body = read.get(bodies, row);
        return body === undefined ? [] : [{ body, host }];
      });
      const needs = members.flatMap(({ body }) => body.needs);
      const source = members.flatMap(({ body }) => body.source);
      for (const families of read.one(names.families)) {
        for (const spelling of [`near ${families}`, `far ${families}`] as const) {
          const fragment = virtualHostsFragment(
            members.map(({ body, host }) => ({ body: body.fragment, domains: host.domains[spelling] ?? [] })),
          );
          const part = { fragments: [fragment], needs, source };
          yield [spelledPageKey(key, spelling), { page, spelling, part }];
        }
      }
    },
  });
  const byOwnPage = graph.index(spelledSections, "spelled sections by page", ({ page, spelling }) => [
    spelledPageKey(page, spelling),
  ]);
  return graph.derive<readonly Row<SpelledSection>[], ResourcePart>({
    name: "virtual host pages",
    from: graph.group("spelled sections of pages", byOwnPage),
    equal: haveEqualFragments,
    rows: (key, parts) => [[key, joinParts(parts.map(([, { part }]) => part))]],
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
