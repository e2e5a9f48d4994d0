// A resource as the fleet serves it: encoded once, versioned by its bytes, and known by what made it.

import { createHash } from "node:crypto";
import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { encode } from "../envoy/encode.ts";
import type { Source } from "../view/source.ts";
import type { Resource, ResourceReference } from "../xds/resource.ts";

export interface BuiltResource extends Resource {
  /** Whose fault it is if an Envoy refuses it. */
  readonly source: Source;
}

export interface ResourceFacts {
  readonly name: string;
  readonly source?: Source;
}

/** The parts make up a resource when they are concatenated; each was hashed once, when it was encoded. */
export interface Fragment {
  readonly bytes: Uint8Array;
  readonly hash: string;
}

/** Resources are equal when their versions are: bytes need no second look. */
export function haveEqualVersions(a: Resource, b: Resource): boolean {
  return a.version === b.version && a.name === b.name;
}

export function buildResource<Schema extends DescMessage>(
  schema: Schema,
  message: MessageInitShape<Schema>,
  { name, source = [] }: ResourceFacts,
): BuiltResource {
  const { bytes, references } = encode(schema, message);
  return { name, version: hashOf(bytes), body: [bytes], needs: references, source };
}

/** A part of a resource that several share, with what the resource needs because of it. */
export interface ResourcePart {
  readonly fragments: readonly Fragment[];
  readonly needs: readonly ResourceReference[];
  readonly source: Source;
}

/** A message that is a piece of another, encoded once for all that hold it. */
export interface BuiltFragment {
  readonly fragment: Fragment;
  readonly needs: readonly ResourceReference[];
  readonly source: Source;
}

export function buildFragment<Schema extends DescMessage>(
  schema: Schema,
  message: MessageInitShape<Schema>,
  source: Source,
): BuiltFragment {
  const { bytes, references } = encode(schema, message);
  return { fragment: fragment(bytes), needs: references, source };
}

/** Some of the fields of a whole. */
export function buildPart<Schema extends DescMessage>(
  schema: Schema,
  message: MessageInitShape<Schema>,
): ResourcePart {
  const { fragment: only, needs, source } = buildFragment(schema, message, []);
  return { fragments: [only], needs, source };
}

export function assembleResource(name: string, parts: readonly ResourcePart[]): BuiltResource {
  const whole = joinParts(parts);
  const hashes = whole.fragments.map(({ hash }) => hash);
  return {
    name,
    version: hashOf(hashes.join("")),
    body: whole.fragments.map(({ bytes }) => bytes),
    get needs() {
      return whole.needs;
    },
    get source() {
      return whole.source;
    },
  };
}

export function joinParts(parts: readonly ResourcePart[]): ResourcePart {
  let needs: readonly ResourceReference[] | undefined;
  return {
    fragments: parts.flatMap(({ fragments }) => fragments),
    // Put together when asked for, which is rare: a port's table needs a thousand clusters (bench/xds: 0.1 ms a proxy).
    get needs() {
      needs ??= parts.flatMap((part) => part.needs);
      return needs;
    },
    get source() {
      return parts.flatMap((part) => part.source);
    },
  };
}

/** What a part needs and comes from is said in its bytes. */
export function haveEqualFragments(a: ResourcePart, b: ResourcePart): boolean {
  return (
    a.fragments.length === b.fragments.length &&
    a.fragments.every(({ hash }, at) => hash === b.fragments[at]?.hash)
  );
}

export function fragment(bytes: Uint8Array): Fragment {
  return { bytes, hash: hashOf(bytes) };
}

function hashOf(bytes: Uint8Array | string): string {
  return short(createHash("sha256").update(bytes).digest("base64url"));
}

/** 96 bits: versions only ever differ from others of the same name. */
function short(digest: string): string {
  return digest.slice(0, 16);
}
