// Resources that some Envoy refused. Their bytes aren't offered again to Envoys of that version; where the bytes
// before them are still at hand, those are served in their place.

import type { Source } from "../view/source.ts";
import type { Resource } from "../xds/resource.ts";
import type { ResourceType } from "../xds/resource-type.ts";

export interface Refusal {
  readonly type: ResourceType;
  readonly name: string;
  readonly version: string;
  readonly envoyVersion: string;
  /** Envoy's own words. */
  readonly detail: string;
  readonly source: Source;
}

export class HeldBack {
  /** By type, name and version of the resource. */
  readonly #refusals = new Map<string, Refusal[]>();
  /** By type, name and version of a resource that no Envoy has acknowledged yet: the one before it. */
  readonly #previous = new Map<string, Resource>();

  get isEmpty(): boolean {
    return this.#refusals.size === 0;
  }

  all(): readonly Refusal[] {
    return [...this.#refusals.values()].flat();
  }

  /** Returns whether this is news. */
  refuse(refusal: Refusal): boolean {
    const key = keyOf(refusal.type, refusal.name, refusal.version);
    const known = this.#refusals.get(key) ?? [];
    if (known.some(({ envoyVersion }) => envoyVersion === refusal.envoyVersion)) return false;
    this.#refusals.set(key, [...known, refusal]);
    return true;
  }

  /** What to serve for a resource to an Envoy of this version: itself, the one before it, or nothing. */
  substitute(type: ResourceType, resource: Resource, envoyVersion: string): Resource | undefined {
    if (this.isEmpty) return resource;
    const refusals = this.#refusals.get(keyOf(type, resource.name, resource.version));
    if (refusals === undefined || refusals.every((each) => each.envoyVersion !== envoyVersion))
      return resource;
    return this.previous(type, resource);
  }

  /** What stands in for a resource that is refused; known until an Envoy has acknowledged it. */
  previous(type: ResourceType, { name, version }: Resource): Resource | undefined {
    return this.#previous.get(keyOf(type, name, version));
  }

  /**
   * A resource got a successor, or none: refusals of it are over. It may have to stand in for its successor if it was
   * acknowledged or the first of its name; else the one before it still may.
   */
  replaced(type: ResourceType, old: Resource, successor: Resource | undefined): void {
    const key = keyOf(type, old.name, old.version);
    const isOver = this.#refusals.delete(key);
    // Until an Envoy has acknowledged it, the old one is no proof of anything: what stood in for it still does.
    const before = this.#previous.get(key) ?? (isOver ? undefined : old);
    this.#previous.delete(key);
    if (successor !== undefined && before !== undefined) {
      this.#previous.set(keyOf(type, successor.name, successor.version), before);
    }
  }

  /** An Envoy took it: the one before it is needed no more, unless Envoys of another version refuse it. */
  acknowledged(type: ResourceType, name: string, version: string): void {
    if (this.#previous.size === 0) return;
    const key = keyOf(type, name, version);
    if (!this.#refusals.has(key)) this.#previous.delete(key);
  }
}

function keyOf(type: ResourceType, name: string, version: string): string {
  return `${type} ${version} ${name}`;
}
