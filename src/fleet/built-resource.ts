// A resource as the fleet serves it: encoded once, versioned by its bytes, and known by what made it.

import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { parseObjectKey } from "../core/object-key.ts";
import { encode } from "../envoy/encode.ts";
import { hashOf, joinParts, type ResourcePart } from "../envoy/fragment.ts";
import type { Reference } from "../envoy/references.ts";
import type { Provenance } from "../view/provenance.ts";
import type { Resource } from "../xds/resource.ts";

export interface BuiltResource extends Resource {
  /** Whose fault it is if an Envoy refuses it. */
  readonly provenance: Provenance;
  /** That make it up, where it was assembled: other resources share most of them. */
  readonly parts?: readonly ResourcePart[];
}

export interface ResourceFacts {
  readonly name: string;
  readonly provenance?: Provenance;
}

/** Resources are equal when their versions are: bytes need no second look. */
export function haveEqualVersions(a: Resource, b: Resource): boolean {
  return a.version === b.version && a.name === b.name;
}

/** Of bytes that are encoded already. */
export function resourceOf(
  bytes: Uint8Array,
  { name, needs, provenance }: Omit<BuiltResource, "version" | "body" | "parts">,
): BuiltResource {
  return { name, version: hashOf(bytes), body: [bytes], needs, provenance };
}

export function buildResource<Schema extends DescMessage>(
  schema: Schema,
  message: MessageInitShape<Schema>,
  { name, provenance = [] }: ResourceFacts,
): BuiltResource {
  const { bytes, references } = encode(schema, message);
  return resourceOf(bytes, { name, needs: references, provenance });
}

/** Of a listener: the objects that said what is logged and traced. MeshConfig, which may have, is none of them. */
export function telemetrySources({ provenance }: Pick<BuiltResource, "provenance">): Provenance {
  return provenance.filter(({ object }) => parseObjectKey(object).kind === "Telemetry");
}

/** The parts make up the resource when they are concatenated. */
export function assembleResource(name: string, parts: readonly ResourcePart[]): BuiltResource {
  return new AssembledResource(name, parts);
}

/** Not to be copied by `...`, which takes no getter. */
class AssembledResource implements BuiltResource {
  readonly name: string;
  readonly parts: readonly ResourcePart[];
  readonly #whole: ResourcePart;
  #body: readonly Uint8Array[] | undefined;

  constructor(name: string, parts: readonly ResourcePart[]) {
    this.name = name;
    this.parts = parts;
    this.#whole = joinParts(parts);
  }

  get version(): string {
    return this.#whole.hash;
  }

  get body(): readonly Uint8Array[] {
    this.#body ??= this.#whole.fragments.map(({ bytes }) => bytes);
    return this.#body;
  }

  get needs(): readonly Reference[] {
    return this.#whole.needs;
  }

  get provenance(): Provenance {
    return this.#whole.provenance;
  }
}
