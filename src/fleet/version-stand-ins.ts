// Of one type, what one proxy gets in place of versions that it refuses, as long as these are the newest.

import type { Provenance } from "../view/provenance.ts";
import type { Resource } from "../xds/resource.ts";

export interface VersionStandIn {
  readonly resource: Resource;
  /** Who is to blame if the proxy takes it: what they made is all that it lacks. Absent: taking it tells nothing. */
  readonly blamed?: Provenance;
}

interface RefusedVersion extends VersionStandIn {
  /** Any other version is offered. */
  readonly refusedVersion: string;
}

export class VersionStandIns {
  readonly #byName = new Map<string, RefusedVersion>();

  get isEmpty(): boolean {
    return this.#byName.size === 0;
  }

  put({ name, version }: Pick<Resource, "name" | "version">, standIn: VersionStandIn): void {
    this.#byName.set(name, { ...standIn, refusedVersion: version });
  }

  /** The refused version is offered once more. */
  delete(name: string): void {
    this.#byName.delete(name);
  }

  /** By name, in place of the newest versions; where another one is the newest, nothing stands in any more. */
  resources(newestOf: (name: string) => Resource | undefined): ReadonlyMap<string, Resource> {
    const resources = new Map<string, Resource>();
    for (const [name, { refusedVersion, resource }] of this.#byName) {
      if (newestOf(name)?.version === refusedVersion) resources.set(name, resource);
      else this.#byName.delete(name);
    }
    return resources;
  }

  /** Undefined if the version is none that stands in. */
  find({ name, version }: Pick<Resource, "name" | "version">): VersionStandIn | undefined {
    const known = this.#byName.get(name);
    return known?.resource.version === version ? known : undefined;
  }
}
