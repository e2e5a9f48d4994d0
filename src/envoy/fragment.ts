// Encoded pieces of messages, so that what several resources share is encoded and hashed once: protobuf's repeated
// fields may come in any order, so pieces make up a message when their bytes are concatenated.

import { hash } from "node:crypto";
import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import type { Provenance } from "../view/provenance.ts";
import { encode } from "./encode.ts";
import type { Reference } from "./references.ts";

export interface Fragment {
  readonly bytes: Uint8Array;
  readonly hash: string;
}

export function fragment(bytes: Uint8Array): Fragment {
  return { bytes, hash: hashOf(bytes) };
}

/** A message that is a piece of another, encoded once for all that hold it. */
export interface BuiltFragment {
  readonly fragment: Fragment;
  readonly needs: readonly Reference[];
  readonly provenance: Provenance;
}

export function buildFragment<Schema extends DescMessage>(
  schema: Schema,
  message: MessageInitShape<Schema>,
  provenance: Provenance,
): BuiltFragment {
  const { bytes, references } = encode(schema, message);
  return { fragment: fragment(bytes), needs: references, provenance };
}

/** A part of a resource that several share, with what the resource needs because of it. */
export interface ResourcePart {
  /** Equal for equal bytes that were put together alike. What a part needs and comes from is said in its bytes. */
  readonly hash: string;
  readonly fragments: readonly Fragment[];
  readonly needs: readonly Reference[];
  readonly provenance: Provenance;
}

export function partOf({ fragment: only, needs, provenance }: BuiltFragment): ResourcePart {
  return { hash: only.hash, fragments: [only], needs, provenance };
}

/** Some of the fields of a whole. */
export function buildPart<Schema extends DescMessage>(
  schema: Schema,
  message: MessageInitShape<Schema>,
): ResourcePart {
  return partOf(buildFragment(schema, message, []));
}

/** Costs as much as there are parts, however many fragments these have. */
export function joinParts(parts: readonly ResourcePart[]): ResourcePart {
  const [only] = parts;
  return only !== undefined && parts.length === 1 ? only : new JoinedPart(parts);
}

/** What is in its parts is put together when it is asked for: a copy of it (`...`) would lack that. */
class JoinedPart implements ResourcePart {
  readonly hash: string;
  readonly #parts: readonly ResourcePart[];
  #fragments: readonly Fragment[] | undefined;
  #needs: readonly Reference[] | undefined;

  constructor(parts: readonly ResourcePart[]) {
    this.#parts = parts;
    this.hash = hashOf(parts.map((part) => part.hash).join(""));
  }

  get fragments(): readonly Fragment[] {
    this.#fragments ??= this.#parts.flatMap(({ fragments }) => fragments);
    return this.#fragments;
  }

  // A port's table needs a thousand clusters (bench/xds: 0.1 ms a proxy).
  get needs(): readonly Reference[] {
    this.#needs ??= this.#parts.flatMap(({ needs }) => needs);
    return this.#needs;
  }

  get provenance(): Provenance {
    return this.#parts.flatMap(({ provenance }) => provenance);
  }
}

export function haveEqualHashes(a: ResourcePart, b: ResourcePart): boolean {
  return a.hash === b.hash;
}

/** 96 bits: hashes only ever tell versions of one name apart. */
export function hashOf(bytes: Uint8Array | string): string {
  return hash("sha256", bytes, "base64url").slice(0, 16);
}
