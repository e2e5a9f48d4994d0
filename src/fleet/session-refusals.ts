// What one proxy refuses of what it was sent, on one stream, and what it gets instead. It counts for this proxy and no
// other, and ends when the proxy takes something newer, when its cause may be gone, or when the object is written again.

import type { ObjectKey } from "../core/object-key.ts";
import type { Provenance } from "../view/provenance.ts";
import type { RefusedResource, RefusedResponse, SentResource, Standing } from "../xds/backend.ts";
import type { Resource, ResourceReference, ResourceSet } from "../xds/resource.ts";
import type { ResourceType } from "../xds/resource-type.ts";
import { blame } from "./blame.ts";
import { ClosedSlots, isAsStrict } from "./closed-slots.ts";
import type { ProxySet } from "./proxy-set.ts";
import type { StandInTables } from "./stand-in-tables.ts";
import { TableQuarantine } from "./table-quarantine.ts";

export interface SessionRefusal extends ResourceReference {
  /** The proxy's own words. */
  readonly detail: string;
  /** What is to blame; empty where it isn't known. */
  readonly provenance: Provenance;
}

interface RefusedVersion extends SessionRefusal {
  readonly version: string;
  readonly suspects: Provenance;
}

// An Envoy that refuses this many has other troubles; the stream still knows what not to send again.
const MAX_VERSIONS = 200;
const MAX_TABLES = 200;

export class SessionRefusals {
  readonly #standIns: StandInTables;
  /** By type and name. */
  readonly #versions = new Map<string, RefusedVersion>();
  /** Route tables by name: the other virtual hosts of a refused one go on. */
  readonly #tables = new Map<string, TableQuarantine>();
  readonly #closedSlots = new ClosedSlots();

  constructor(standIns: StandInTables) {
    this.#standIns = standIns;
  }

  get isEmpty(): boolean {
    return this.#versions.size === 0 && this.#tables.size === 0;
  }

  /** What the proxy is to have of its view's set. */
  setFor(set: ProxySet): ResourceSet {
    if (this.#tables.size === 0 && this.#closedSlots.isEmpty) return set;
    const standIns = new Map<ResourceType, ReadonlyMap<string, Resource>>([
      ["route", this.#tablesFor(set)],
      ["extension-config", this.#closedSlots.standIns((name) => set.get("extension-config", name))],
    ]);
    return {
      get: (type, name) => standIns.get(type)?.get(name) ?? set.get(type, name),
      names: (type) => set.names(type),
      standIns: (type) => standIns.get(type)?.values() ?? [],
    };
  }

  #tablesFor(set: ProxySet): ReadonlyMap<string, Resource> {
    const tables = new Map<string, Resource>();
    for (const [name, table] of this.#tables) {
      const newest = set.get("route", name);
      if (newest === undefined) {
        this.#tables.delete(name);
        continue;
      }
      const offered = table.offer(newest);
      if (table.isOver) this.#tables.delete(name);
      else tables.set(name, offered);
    }
    return tables;
  }

  /** Returns what the proxy gets another version of because of it. */
  rejected(
    type: ResourceType,
    { refused, detail }: RefusedResponse,
    set: ProxySet,
  ): readonly ResourceReference[] {
    const changed: ResourceReference[] = [];
    for (const each of refused) {
      const { name, version } = each.resource;
      const newest = set.get(type, name);
      if (newest === undefined) continue;
      if (type === "route") {
        const table = this.#tables.get(name) ?? new TableQuarantine(this.#standIns, newest);
        if (this.#tables.size >= MAX_TABLES && !this.#tables.has(name)) continue;
        this.#tables.set(name, table);
        table.rejected(each, detail);
        changed.push({ type, name });
      } else if (newest.version === version) {
        const blamed = this.#note(type, each, { detail, set });
        if (type !== "extension-config" || isAsStrict(newest, each.inUse)) continue;
        this.#closedSlots.close(each.resource, blamed);
        changed.push({ type, name });
      }
    }
    return changed;
  }

  /** Returns what the proxy gets another version of because of it. */
  acknowledged(type: ResourceType, resources: readonly SentResource[]): readonly ResourceReference[] {
    if (this.isEmpty) return [];
    const changed: ResourceReference[] = [];
    for (const { name, version } of resources) {
      const isStandIn = type === "extension-config" && this.#closedSlots.isStandIn({ name, version });
      if (!isStandIn) this.#versions.delete(keyOf({ type, name }));
      const table = type === "route" ? this.#tables.get(name) : undefined;
      if (table?.acknowledged(version)) changed.push({ type, name });
      if (table?.isOver) this.#tables.delete(name);
    }
    return changed;
  }

  /** Of what these objects made: returns what the proxy is to be offered once more. */
  offerAgain(objects: ReadonlySet<ObjectKey>): readonly ResourceReference[] {
    const versions = [...this.#versions.values()].filter(({ suspects }) =>
      suspects.some(({ object }) => objects.has(object)),
    );
    const tables = [...this.#tables].filter(([, table]) => table.offerAgain(objects));
    return [
      ...versions.map(({ type, name }) => ({ type, name })),
      ...tables.map(([name]) => ({ type: "route" as const, name })),
    ];
  }

  /** Of what is newest: what the proxy refused before that is over. */
  list(set: ProxySet): readonly SessionRefusal[] {
    const versions = [...this.#versions.values()].filter((each) => isNewest(each, set));
    const tables = [...this.#tables].flatMap(([name, table]) =>
      table
        .refusals()
        .map(({ detail, provenance }) => ({ type: "route" as const, name, detail, provenance })),
    );
    return [...versions, ...tables];
  }

  /** How the proxy is with what an object made of a resource, if its refusals say anything of it. */
  standingOf(object: ObjectKey, reference: ResourceReference, set: ProxySet): Standing | undefined {
    if (reference.type === "route") return this.#tables.get(reference.name)?.standingOf(object);
    const refused = this.#versions.get(keyOf(reference));
    if (refused === undefined || !isNewest(refused, set)) return undefined;
    return refused.suspects.some((part) => part.object === object) ? "refused" : "in-use";
  }

  /** Returns whose fault it is. */
  #note(
    type: ResourceType,
    { resource, inUse }: RefusedResource,
    { detail, set }: { readonly detail: string; readonly set: ProxySet },
  ): Provenance {
    const { name, version } = resource;
    const refused = set.get(type, name);
    if (refused === undefined || this.#versions.size >= MAX_VERSIONS) return [];
    const accepted = typeof inUse === "object" ? inUse : undefined;
    const blamed = blame(type, { refused, accepted, detail });
    this.#versions.set(keyOf({ type, name }), { type, name, version, detail, ...blamed });
    return blamed.provenance;
  }
}

function isNewest({ type, name, version }: RefusedVersion, set: ProxySet): boolean {
  return set.get(type, name)?.version === version;
}

function keyOf({ type, name }: ResourceReference): string {
  return `${type} ${name}`;
}
