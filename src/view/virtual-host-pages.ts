// Pages of virtual hosts: those of one port and namespace, which most clients' tables share. A large page is in
// sections, so that a change of one virtual host concerns its section and no other.

import type { Graph } from "../graph/graph.ts";
import type { Row, Table } from "../graph/table.ts";
import { cutIntoSections } from "./sections.ts";
import type { SettledNames } from "./settled-names.ts";
import type { HostNames } from "./virtual-host-names.ts";

export interface PageSection {
  /** The page's key. */
  readonly page: string;
  /** By the keys of the virtual hosts' rows. */
  readonly hosts: readonly Row<HostNames>[];
}

const MEAN_SECTION_LENGTH = 32;

export function declarePageSections(graph: Graph, names: SettledNames): Table<PageSection> {
  return graph.derive<readonly Row<HostNames>[], PageSection>({
    name: "sections of virtual host pages",
    from: names.ofPages,
    rows: (page, hosts) =>
      cutIntoSections(hosts, MEAN_SECTION_LENGTH, ([key]) => key).map(
        (section) => [`${page} ${section[0]?.[0]}`, { page, hosts: section }] as const,
      ),
  });
}
