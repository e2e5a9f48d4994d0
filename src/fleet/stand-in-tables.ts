// Route tables as proxies get them that refuse some virtual hosts: built once for all that refuse the same ones of the
// same table, and gone with that table.

import { createHash } from "node:crypto";
import { fromBinary } from "@bufbuild/protobuf";
import { encode } from "../envoy/encode.ts";
import { hashOf } from "../envoy/fragment.ts";
import { assembleRouteTable, parseRouteTable, type RouteTable } from "../envoy/route/encoded-route-table.ts";
import { VirtualHostSchema } from "../gen/envoy/config/route/v3/route_components_pb.ts";
import type { Resource, ResourceReference } from "../xds/resource.ts";

/** What takes the place of virtual hosts, by their names; undefined: they are left out. */
export type HostStandIns = ReadonlyMap<string, Buffer | undefined>;

// Proxies that search for what they refuse pass through several; whoever needs one again builds it again.
const MAX_BUILT_OF_A_TABLE = 32;

export class StandInTables {
  readonly #parsed = new WeakMap<Resource, RouteTable>();
  readonly #built = new WeakMap<Resource, Map<string, Resource>>();

  parse(table: Resource): RouteTable {
    const known = this.#parsed.get(table);
    if (known !== undefined) return known;
    const parsed = parseRouteTable(table.body);
    this.#parsed.set(table, parsed);
    return parsed;
  }

  build(newest: Resource, standIns: HostStandIns): Resource {
    if (standIns.size === 0) return newest;
    const built = this.#built.get(newest) ?? new Map<string, Resource>();
    this.#built.set(newest, built);
    const key = keyOf(standIns);
    const known = built.get(key);
    if (known !== undefined) return known;
    if (built.size >= MAX_BUILT_OF_A_TABLE) built.clear();
    const body = assembleRouteTable(this.parse(newest), standIns);
    const resource: Resource = {
      name: newest.name,
      version: hashOf(body.map(hashOf).join("")),
      body,
      needs: [...newest.needs, ...referencesIn(standIns)],
    };
    built.set(key, resource);
    return resource;
  }
}

function keyOf(standIns: HostStandIns): string {
  const hash = createHash("sha256");
  for (const [name, bytes] of [...standIns].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${name}\n${bytes === undefined ? "" : createHash("sha256").update(bytes).digest("hex")}\n`);
  }
  return hash.digest("hex");
}

/** They must not be removed before the stand-in is. */
function referencesIn(standIns: HostStandIns): readonly ResourceReference[] {
  return [...standIns.values()].flatMap((bytes) =>
    bytes === undefined ? [] : encode(VirtualHostSchema, fromBinary(VirtualHostSchema, bytes)).references,
  );
}
