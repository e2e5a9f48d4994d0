// The virtual hosts of one route table that one proxy refuses: what it gets in their place, so that all others go on,
// and the search for those at fault where Envoy doesn't say. Each step halves what is suspected and is a table that the
// proxy takes or refuses as a whole. Nothing that the proxy says is taken for more than a hint about its own table.

import type { ObjectKey } from "../core/object-key.ts";
import type { TableHost } from "../envoy/route/encoded-route-table.ts";
import type { Provenance } from "../view/provenance.ts";
import type { Held, RefusedResource } from "../xds/backend.ts";
import type { Resource } from "../xds/resource.ts";
import { blameHosts, provenanceOfHost } from "./blame.ts";
import type { StandInTables } from "./stand-in-tables.ts";

interface QuarantinedHost {
  /** `waiting`: suspected with others, and not yet tried without them. */
  readonly state: "refused" | "waiting";
  /** As it was refused: any other version is offered. */
  readonly bytes: Buffer;
  /** Its last version that the proxy took; undefined: it is left out. */
  readonly standIn: Buffer | undefined;
  readonly detail: string;
  readonly provenance: Provenance;
}

export interface QuarantineRefusal {
  readonly detail: string;
  /** Empty where nobody knows what is at fault. */
  readonly provenance: Provenance;
}

// To find one of 10,000 takes 14. A proxy that goes on refusing isn't one to learn from.
const MAX_REFUSALS_OF_A_TABLE = 40;

export class TableQuarantine {
  readonly #tables: StandInTables;
  readonly #hosts = new Map<string, QuarantinedHost>();
  /** Since the newest table is the newest. */
  #refusalCount = 0;
  #newest: Resource;
  #offered: Resource;
  #inUseVersion: string | undefined;
  /** The whole table is refused, and the search has ended: what came with it may be good, and isn't in use. */
  #failure: { readonly detail: string; readonly provenance: Provenance } | undefined;
  #isTaken = false;

  constructor(tables: StandInTables, newest: Resource) {
    this.#tables = tables;
    this.#newest = newest;
    this.#offered = newest;
  }

  /** The proxy has taken the newest table as it is. */
  get isOver(): boolean {
    return this.#isTaken && this.#hosts.size === 0;
  }

  /** What to give the proxy for the newest table. */
  offer(newest: Resource): Resource {
    if (newest.version !== this.#newest.version) this.#beginAgain(newest);
    if (this.#failure !== undefined) return this.#offered;
    do {
      const offered = this.#tables.build(newest, this.#standIns(newest));
      if (offered.version !== this.#offered.version) this.#isTaken = false;
      this.#offered = offered;
      // What the proxy has already isn't sent, nor acknowledged.
    } while (this.#offered.version === this.#inUseVersion && this.acknowledged(this.#inUseVersion));
    return this.#offered;
  }

  rejected({ resource, inUse }: RefusedResource, detail: string): void {
    this.#isTaken = false;
    this.#inUseVersion = typeof inUse === "object" ? inUse.version : undefined;
    this.#refusalCount += 1;
    const { hosts } = this.#tables.parse(resource);
    const before = this.#hostsOf(inUse);
    const suspects = hosts.filter(({ name, bytes }) => before?.get(name)?.bytes.equals(bytes) !== true);
    // It refuses what it has: what is known of it says enough.
    if (suspects.length === 0 && this.#isSettled()) return;
    const blamed = blameHosts({ hosts, suspects, before, detail });
    const isSearchable = before !== undefined && suspects.length > 0;
    const mayGoOn = this.#refusalCount <= MAX_REFUSALS_OF_A_TABLE && (blamed.length > 0 || isSearchable);
    if (!mayGoOn) {
      this.#giveUp(resource, suspects, detail);
      return;
    }
    const isKnown = blamed.length > 0;
    const quarantined = isKnown ? blamed : this.#halfOf(suspects);
    for (const host of quarantined) {
      const accepted = before?.get(host.name);
      this.#quarantine(host, { accepted, detail, state: isKnown ? "refused" : "waiting" });
    }
  }

  /** Returns whether there is more to offer now. */
  acknowledged(version: string): boolean {
    if (version !== this.#offered.version) return false;
    this.#isTaken = true;
    this.#inUseVersion = version;
    this.#failure = undefined;
    const waiting = [...this.#hosts].filter(([, { state }]) => state === "waiting");
    for (const [name] of waiting.slice(0, Math.ceil(waiting.length / 2))) this.#hosts.delete(name);
    return waiting.length > 0;
  }

  /** What these objects made is offered once more. Returns whether there was any. */
  offerAgain(objects: ReadonlySet<ObjectKey>): boolean {
    const comesFrom = ({ provenance }: QuarantineRefusal) =>
      provenance.some(({ object }) => objects.has(object));
    const isFailed = this.#failure !== undefined && comesFrom(this.#failure);
    const again = [...this.#hosts].filter(([, host]) => comesFrom(host));
    if (!isFailed && again.length === 0) return false;
    for (const [name] of again) this.#hosts.delete(name);
    this.#beginAgain(this.#newest);
    return true;
  }

  refusals(): readonly QuarantineRefusal[] {
    const refused = [...this.#hosts.values()].filter(({ state }) => state === "refused");
    // Who is at fault for the whole isn't known.
    return [...refused, ...(this.#failure === undefined ? [] : [{ ...this.#failure, provenance: [] }])];
  }

  /** How the proxy is with what an object made of the table; undefined: as with the table that it was offered. */
  standingOf(object: ObjectKey): "refused" | "on-its-way" | undefined {
    const comesFrom = ({ provenance }: QuarantineRefusal) =>
      provenance.some((part) => part.object === object);
    if (this.#failure !== undefined && comesFrom(this.#failure)) return "refused";
    const hosts = [...this.#hosts.values()].filter(comesFrom);
    if (hosts.length === 0) return undefined;
    const isSearching = this.#failure === undefined && hosts.every(({ state }) => state === "waiting");
    return isSearching ? "on-its-way" : "refused";
  }

  #isSettled(): boolean {
    const states = [...this.#hosts.values()].map(({ state }) => state);
    return states.length > 0 && !states.includes("waiting");
  }

  /** Of those that don't stand in for others, as long as there are any. */
  #halfOf(suspects: readonly TableHost[]): readonly TableHost[] {
    const own = suspects.filter(({ name }) => !this.#hosts.has(name));
    const all = own.length > 0 ? own : suspects;
    return all.slice(0, Math.ceil(all.length / 2));
  }

  #beginAgain(newest: Resource): void {
    this.#newest = newest;
    this.#refusalCount = 0;
    this.#failure = undefined;
    this.#isTaken = false;
  }

  /** A virtual host that is another than the refused one is offered. */
  #standIns(newest: Resource): ReadonlyMap<string, Buffer | undefined> {
    const { hostsByName } = this.#tables.parse(newest);
    for (const [name, { bytes }] of this.#hosts) {
      if (hostsByName.get(name)?.bytes.equals(bytes) !== true) this.#hosts.delete(name);
    }
    return new Map([...this.#hosts].map(([name, { standIn }]) => [name, standIn]));
  }

  #hostsOf(inUse: Held): ReadonlyMap<string, TableHost> | undefined {
    if (inUse === "unknown") return undefined;
    return inUse === "nothing" ? new Map() : this.#tables.parse(inUse).hostsByName;
  }

  #quarantine(
    { name, bytes }: TableHost,
    {
      accepted,
      detail,
      state,
    }: Pick<QuarantinedHost, "detail" | "state"> & { readonly accepted: TableHost | undefined },
  ): void {
    const known = this.#hosts.get(name);
    // What stood in for it is refused too, such as for a domain that both have.
    if (known !== undefined && !known.bytes.equals(bytes)) {
      this.#hosts.set(name, { ...known, standIn: undefined });
      return;
    }
    const provenance = provenanceOfHost(bytes, { accepted: accepted?.bytes, detail });
    this.#hosts.set(name, { state, bytes, standIn: accepted?.bytes, detail, provenance });
  }

  #giveUp(resource: Resource, suspects: readonly TableHost[], detail: string): void {
    const provenance = suspects.flatMap(({ bytes }) =>
      provenanceOfHost(bytes, { accepted: undefined, detail: "" }),
    );
    this.#failure = { detail, provenance };
    this.#offered = resource;
  }
}
