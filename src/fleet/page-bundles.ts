// Pages in bundles, and bundles in larger ones, as clients of no page's namespace call their virtual hosts. A client's
// table of a port is some twenty of them, however many namespaces there are, and all clients share them.

import type { IpFamilies } from "../core/ip-families.ts";
import { haveEqualHashes, joinParts, type ResourcePart } from "../envoy/fragment.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import { cutIntoSections } from "../view/sections.ts";
import { pageKey, type SettledNames, spelledPageKey } from "../view/settled-names.ts";

const MEAN_BUNDLE_LENGTH = 4;
/** Of bundles in bundles; above them the whole port, whose parts nobody joins. */
const DEPTH = 3;

interface Bundle {
  /** From 1; level 0 are pages. */
  readonly level: number;
  /** Of the level below, sorted. */
  readonly members: readonly Member[];
}

/** A page, or a bundle by its first page. The keys are made once: each client of each scope looks them up. */
interface Member {
  readonly first: string;
  /** Of its row among the bundles. */
  readonly key: string;
  /** Of its row among the parts of its level, for each IP families in use. */
  readonly parts: Readonly<Partial<Record<IpFamilies, string>>>;
}

export interface PageCover {
  readonly port: string;
  readonly families: IpFamilies;
  /** Pages that are left out. */
  readonly without: readonly string[];
}

/** The parts that make up a port's pages, as clients of other namespaces call their virtual hosts. */
export type CoverPages = (cover: PageCover, read: Read) => readonly ResourcePart[];

/** `pages` by `spelledPageKey`. */
export function declarePageBundles(
  graph: Graph,
  pages: Table<ResourcePart>,
  names: SettledNames,
): CoverPages {
  const bundles = graph.derive<readonly string[], Bundle>({
    name: "bundles of virtual host pages",
    from: names.pagesOfPorts,
    rows: (port, all, read) => bundlesOf(port, all, read.one(names.families)),
  });
  const parts: Table<ResourcePart>[] = [pages];
  const partOf = (level: number, { parts: keys }: Member, families: IpFamilies, read: Read) => {
    const table = parts[level];
    const key = keys[families];
    return table === undefined || key === undefined ? undefined : read.get(table, key);
  };
  for (let level = 1; level <= DEPTH; level += 1) {
    parts.push(
      graph.derive<Bundle, ResourcePart>({
        name: `virtual host pages in bundles of level ${level}`,
        from: bundles,
        equal: haveEqualHashes,
        *rows(key, bundle, read) {
          if (bundle.level !== level) return;
          for (const families of read.one(names.families)) {
            const joined = bundle.members.flatMap(
              (member) => partOf(level - 1, member, families, read) ?? [],
            );
            yield [spelledBundleKey(key, families), joinParts(joined)];
          }
        },
      }),
    );
  }
  return ({ port, families, without }, read) => {
    const found: ResourcePart[] = [];
    const cover = (key: string): void => {
      const bundle = read.get(bundles, key);
      if (bundle === undefined) return;
      const opened = holding(bundle, without);
      for (const member of bundle.members) {
        if (opened.has(member)) {
          if (bundle.level > 1) cover(member.key);
          continue;
        }
        const part = partOf(bundle.level - 1, member, families, read);
        if (part !== undefined) found.push(part);
      }
    };
    cover(bundleKey(port, DEPTH + 1, ""));
    return found;
  };
}

/** As clients of these IP families call the virtual hosts in it. */
function spelledBundleKey(key: string, families: IpFamilies): string {
  return `${families} ${key}`;
}

function bundlesOf(
  port: string,
  pages: readonly string[],
  families: readonly IpFamilies[],
): readonly (readonly [string, Bundle])[] {
  const forAll = (keyOf: (one: IpFamilies) => string) =>
    Object.fromEntries(families.map((one) => [one, keyOf(one)]));
  const bundles: (readonly [string, Bundle])[] = [];
  let members: readonly Member[] = pages.map((page) => ({
    first: page,
    key: "",
    parts: forAll((one) => spelledPageKey(pageKey(port, page), `far ${one}`)),
  }));
  for (let level = 1; level <= DEPTH; level += 1) {
    // What begins a bundle of one level mustn't begin one of the next for that reason.
    const sections = cutIntoSections(members, MEAN_BUNDLE_LENGTH, ({ first }) => `${level} ${first}`);
    members = sections.map((section) => {
      const first = section[0]?.first ?? "";
      const key = bundleKey(port, level, first);
      bundles.push([key, { level, members: section }]);
      return { first, key, parts: forAll((one) => spelledBundleKey(key, one)) };
    });
  }
  return [...bundles, [bundleKey(port, DEPTH + 1, ""), { level: DEPTH + 1, members }]];
}

function bundleKey(port: string, level: number, first: string): string {
  return `${port} ${level} ${first}`;
}

/** The members that hold one of `pages`, or are one. */
function holding({ level, members }: Bundle, pages: readonly string[]): ReadonlySet<Member> {
  const found = new Set<Member>();
  for (const page of pages) {
    const holder = members.findLast(({ first }) => first <= page);
    if (holder !== undefined && (level > 1 || holder.first === page)) found.add(holder);
  }
  return found;
}
