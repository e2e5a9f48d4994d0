// What one proxy refuses of what it was sent, on one stream, and what it gets instead. It counts for this proxy and no
// other, and ends when the proxy takes something newer, when its cause may be gone, or when the object is written again.

import type { ObjectKey } from "../core/object-key.ts";
import type { Provenance } from "../view/provenance.ts";
import type { Held, RefusedResource, RefusedResponse, SentResource, Standing } from "../xds/backend.ts";
import type { Resource, ResourceReference, ResourceSet } from "../xds/resource.ts";
import type { ResourceType } from "../xds/resource-type.ts";
import { blame } from "./blame.ts";
import type { BuiltResource } from "./built-resource.ts";
import { closedSlot } from "./closed-slots.ts";
import type { ProxySet } from "./proxy-set.ts";
import type { StandInListeners } from "./stand-in-listeners.ts";
import type { StandInTables } from "./stand-in-tables.ts";
import { TableQuarantine } from "./table-quarantine.ts";
import { type VersionStandIn, VersionStandIns } from "./version-stand-ins.ts";

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

/** Shared by all sessions. */
export interface StandIns {
  readonly tables: StandInTables;
  readonly listeners: StandInListeners;
}

export class SessionRefusals {
  readonly #standIns: StandIns;
  /** By type and name. */
  readonly #versions = new Map<string, RefusedVersion>();
  /** Route tables by name: the other virtual hosts of a refused one go on. */
  readonly #tables = new Map<string, TableQuarantine>();
  readonly #standInVersions: ReadonlyMap<ResourceType, VersionStandIns> = new Map([
    ["extension-config", new VersionStandIns()],
    ["listener", new VersionStandIns()],
  ]);

  constructor(standIns: StandIns) {
    this.#standIns = standIns;
  }

  get isEmpty(): boolean {
    return this.#versions.size === 0 && this.#tables.size === 0;
  }

  /** What the proxy is to have of its view's set. */
  setFor(set: ProxySet): ResourceSet {
    const inUse = [...this.#standInVersions].filter(([, versions]) => !versions.isEmpty);
    if (this.#tables.size === 0 && inUse.length === 0) return set;
    const standIns = new Map<ResourceType, ReadonlyMap<string, Resource>>([
      ["route", this.#tablesFor(set)],
      ...inUse.map(([type, versions]) => [type, versions.resources((name) => set.get(type, name))] as const),
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
        const table = this.#tables.get(name) ?? new TableQuarantine(this.#standIns.tables, newest);
        if (this.#tables.size >= MAX_TABLES && !this.#tables.has(name)) continue;
        this.#tables.set(name, table);
        table.rejected(each, detail);
        changed.push({ type, name });
      } else if (newest.version === version) {
        const blamed = this.#note(type, each, { detail, set });
        const standIn = this.#standInFor(type, newest, { inUse: each.inUse, blamed });
        if (standIn === undefined) continue;
        this.#standInVersions.get(type)?.put(newest, standIn);
        changed.push({ type, name });
      }
    }
    return changed;
  }

  #standInFor(
    type: ResourceType,
    refused: BuiltResource,
    { inUse, blamed }: { readonly inUse: Held; readonly blamed: Provenance },
  ): VersionStandIn | undefined {
    if (type === "extension-config") return closedSlot(refused, { inUse, blamed });
    return type === "listener" ? this.#standIns.listeners.find(refused, inUse) : undefined;
  }

  /** Returns what the proxy gets another version of because of it. */
  acknowledged(type: ResourceType, resources: readonly SentResource[]): readonly ResourceReference[] {
    if (this.isEmpty) return [];
    const changed: ResourceReference[] = [];
    for (const { name, version } of resources) {
      const standIn = this.#standInVersions.get(type)?.find({ name, version });
      if (standIn === undefined) this.#versions.delete(keyOf({ type, name }));
      else if (standIn.blamed !== undefined) this.#blame({ type, name }, standIn.blamed);
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
    for (const { type, name } of versions) this.#standInVersions.get(type)?.delete(name);
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

  /** What stood in for it is taken: it lacks what these made, and nothing else. */
  #blame(reference: ResourceReference, provenance: Provenance): void {
    const key = keyOf(reference);
    const refused = this.#versions.get(key);
    if (refused !== undefined) this.#versions.set(key, { ...refused, provenance, suspects: provenance });
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
