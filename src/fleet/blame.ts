// Who is to blame for what a proxy refused: what made those pieces of it that the version before didn't have, or that
// Envoy quotes. A port's routes come from every service of the mesh, and one of them is wrong. What isn't known is said
// to be nobody's fault.

import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { objectKey } from "../core/object-key.ts";
import type { Metadata } from "../gen/envoy/config/core/v3/base_pb.ts";
import { FilterChainSchema } from "../gen/envoy/config/listener/v3/listener_components_pb.ts";
import { ListenerSchema } from "../gen/envoy/config/listener/v3/listener_pb.ts";
import { RouteSchema, VirtualHostSchema } from "../gen/envoy/config/route/v3/route_components_pb.ts";
import type { Source, SourcePart } from "../view/source.ts";
import type { Resource } from "../xds/resource.ts";
import type { ResourceType } from "../xds/resource-type.ts";
import type { BuiltResource } from "./built-resource.ts";
import type { TableHost } from "./route-table.ts";

export interface Blame {
  /** Empty where it isn't known. */
  readonly source: Source;
  /** All that may be to blame: what the proxy lacks because of the refusal. */
  readonly suspects: Source;
}

export interface RefusedVersion {
  readonly refused: BuiltResource;
  /** The version before, where it is at hand. */
  readonly accepted: Resource | undefined;
  /** Envoy's own words. */
  readonly detail: string;
}

/** Of a cluster or listener. */
export function blame(type: ResourceType, { refused, accepted, detail }: RefusedVersion): Blame {
  const suspects = newPieces(piecesOf(type, refused), accepted === undefined ? [] : piecesOf(type, accepted));
  const source = suspects.length === 0 ? refused.source : sourceOf(suspects);
  const quoted = quotedIn(suspects, detail);
  if (quoted.length > 0) return { source: sourceOf(quoted), suspects: source };
  return { source: objectsOf(source).size === 1 ? source : [], suspects: source };
}

export interface RefusedHosts {
  /** Of the refused table, in order. */
  readonly hosts: readonly TableHost[];
  /** Those that the version before didn't have so. */
  readonly suspects: readonly TableHost[];
  readonly before: ReadonlyMap<string, TableHost> | undefined;
  readonly detail: string;
}

/** The virtual hosts at fault; empty where it isn't known. */
export function blameHosts({ hosts, suspects, before, detail }: RefusedHosts): readonly TableHost[] {
  const counted = hosts[Number(/VirtualHosts\[(\d+)\]/.exec(detail)?.[1])];
  if (counted !== undefined && suspects.includes(counted)) return [counted];
  const words = wordsOf(detail);
  const quoting = suspects.filter(({ bytes }) => words.some((word) => bytes.includes(word)));
  const quoted = quoting.flatMap((host) => {
    const pieces = newPieces(piecesOfHost(host.bytes), piecesOfHost(before?.get(host.name)?.bytes));
    return pieces.filter(({ text }) => quotes(words, text)).map((piece) => ({ host, piece }));
  });
  const isOfOne = objectsOf(sourceOf(quoted.map(({ piece }) => piece))).size === 1;
  if (isOfOne) return [...new Set(quoted.map(({ host }) => host))];
  if (quoting.length === 1) return quoting;
  return suspects.length === 1 ? suspects : [];
}

/** What made the pieces of a virtual host that Envoy quotes, or else those that the accepted one hadn't. */
export function sourceOfHost(
  bytes: Buffer,
  { accepted, detail }: { readonly accepted: Buffer | undefined; readonly detail: string },
): Source {
  const pieces = piecesOfHost(bytes);
  const suspects = newPieces(pieces, piecesOfHost(accepted));
  const quoted = quotedIn(suspects, detail);
  if (quoted.length > 0) return sourceOf(quoted);
  return sourceOf(suspects.length > 0 ? suspects : pieces);
}

// Shorter ones are found anywhere.
const MIN_WORD_LENGTH = 3;
const MAX_WORDS = 16;

/** What Envoy may have quoted from the configuration: text in quotes, and what follows the last colon. */
function wordsOf(detail: string): readonly string[] {
  const quoted = [...detail.matchAll(/'([^']+)'|"([^"]+)"/g)].map(([, one, other]) => one ?? other ?? "");
  const last = detail.slice(detail.lastIndexOf(": ") + 2);
  return [last, ...quoted].filter((word) => word.length >= MIN_WORD_LENGTH).slice(0, MAX_WORDS);
}

/** Empty unless one object alone made all that quotes. */
function quotedIn(pieces: readonly Piece[], detail: string): readonly Piece[] {
  const words = wordsOf(detail);
  const quoted = pieces.filter(({ text }) => quotes(words, text));
  return objectsOf(sourceOf(quoted)).size === 1 ? quoted : [];
}

function quotes(words: readonly string[], text: string): boolean {
  return words.some((word) => text.includes(Buffer.from(word).toString("latin1")));
}

function newPieces(pieces: readonly Piece[], known: readonly Piece[]): readonly Piece[] {
  const texts = new Set(known.map(({ text }) => text));
  return pieces.filter(({ text }) => !texts.has(text));
}

function objectsOf(source: Source): ReadonlySet<string> {
  return new Set(source.map(({ object }) => object));
}

function sourceOf(pieces: readonly Piece[]): Source {
  const parts = new Map<string, SourcePart>();
  for (const part of pieces.flatMap(({ source }) => source)) parts.set(`${part.object} ${part.path}`, part);
  return [...parts.values()];
}

interface Piece {
  /** Its bytes, to tell it from others. */
  readonly text: string;
  readonly source: Source;
}

/** Of other types the whole is one piece. */
function piecesOf(type: ResourceType, { body }: Resource): readonly Piece[] {
  if (type !== "listener") return [];
  const { filterChains } = fromBinary(ListenerSchema, Buffer.concat(body));
  return filterChains.map((chain) => pieceOf(FilterChainSchema, chain));
}

function piecesOfHost(bytes: Buffer | undefined): readonly Piece[] {
  const routes = bytes === undefined ? [] : fromBinary(VirtualHostSchema, bytes).routes;
  return routes.map((route) => pieceOf(RouteSchema, route));
}

function pieceOf<Schema extends DescMessage>(
  schema: Schema,
  message: MessageShape<Schema> & { readonly metadata?: Metadata | undefined },
): Piece {
  const text = Buffer.from(toBinary(schema, message)).toString("latin1");
  return { text, source: sourceIn(message.metadata) };
}

interface Provenance {
  readonly from?: readonly {
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
    readonly path?: string;
  }[];
}

/** As `provenanceMetadata` wrote it. */
function sourceIn(metadata: Metadata | undefined): Source {
  const { from = [] } = (metadata?.filterMetadata.meltemi ?? {}) as Provenance;
  return from.map(({ path, ...key }) => ({
    object: objectKey(key),
    ...(path === undefined ? {} : { path }),
  }));
}
