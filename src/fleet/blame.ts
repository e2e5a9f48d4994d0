// Who is to blame for what a proxy refused: what made those pieces of it that the version before didn't have, or that
// Envoy quotes. A port's routes come from every service of the mesh, and one of them is wrong. What isn't known is said
// to be nobody's fault.

import { type DescMessage, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import {
  NO_TELEMETRY,
  textsOf,
  withWrittenTelemetry,
  writtenTelemetryIn,
} from "../envoy/listener/written-telemetry.ts";
import { type Piece, type PieceKind, piecesOf } from "../envoy/pieces.ts";
import { rulesInSlot } from "../envoy/policy-slot/slot-rules.ts";
import type { TableHost } from "../envoy/route/encoded-route-table.ts";
import { ListenerSchema } from "../gen/envoy/config/listener/v3/listener_pb.ts";
import { VirtualHostSchema } from "../gen/envoy/config/route/v3/route_components_pb.ts";
import type { Provenance, ProvenancePart } from "../view/provenance.ts";
import type { Resource } from "../xds/resource.ts";
import type { ResourceType } from "../xds/resource-type.ts";
import { type BuiltResource, telemetrySources } from "./built-resource.ts";

export interface Blame {
  /** Empty where it isn't known. */
  readonly provenance: Provenance;
  /** All that may be to blame: what the proxy lacks because of the refusal. */
  readonly suspects: Provenance;
}

export interface RefusedVersion {
  readonly refused: BuiltResource;
  /** The version before, where it is at hand. */
  readonly accepted: Resource | undefined;
  /** Envoy's own words. */
  readonly detail: string;
}

/** Of a cluster, a listener or a slot of policies. */
export function blame(type: ResourceType, { refused, accepted, detail }: RefusedVersion): Blame {
  const suspects = newPieces(partsOf(type, refused), accepted === undefined ? [] : partsOf(type, accepted));
  const provenance = suspects.length === 0 ? refused.provenance : provenanceOf(suspects);
  const words = wordsOf(detail);
  const quoted = suspects.filter(({ text }) => quotes(words, text));
  // No object may have made what Envoy quotes: MeshConfig is none.
  const blamed = quoted.length > 0 ? provenanceOf(quoted) : provenance;
  return { provenance: objectsOf(blamed).size === 1 ? blamed : [], suspects: provenance };
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
    const pieces = newPieces(routesOf(host.bytes), routesOf(before?.get(host.name)?.bytes));
    return pieces.filter(({ text }) => quotes(words, text)).map((piece) => ({ host, piece }));
  });
  const isOfOne = objectsOf(provenanceOf(quoted.map(({ piece }) => piece))).size === 1;
  if (isOfOne) return [...new Set(quoted.map(({ host }) => host))];
  if (quoting.length === 1) return quoting;
  return suspects.length === 1 ? suspects : [];
}

/** What made the pieces of a virtual host that Envoy quotes, or else those that the accepted one hadn't. */
export function provenanceOfHost(
  bytes: Buffer,
  { accepted, detail }: { readonly accepted: Buffer | undefined; readonly detail: string },
): Provenance {
  const pieces = routesOf(bytes);
  const suspects = newPieces(pieces, routesOf(accepted));
  const quoted = quotedIn(suspects, detail);
  if (quoted.length > 0) return provenanceOf(quoted);
  return provenanceOf(suspects.length > 0 ? suspects : pieces);
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
function quotedIn(pieces: readonly BlamedPiece[], detail: string): readonly BlamedPiece[] {
  const words = wordsOf(detail);
  const quoted = pieces.filter(({ text }) => quotes(words, text));
  return objectsOf(provenanceOf(quoted)).size === 1 ? quoted : [];
}

function quotes(words: readonly string[], text: string): boolean {
  return words.some((word) => text.includes(Buffer.from(word).toString("latin1")));
}

function newPieces(pieces: readonly BlamedPiece[], known: readonly BlamedPiece[]): readonly BlamedPiece[] {
  const texts = new Set(known.map(({ text }) => text));
  return pieces.filter(({ text }) => !texts.has(text));
}

function objectsOf(provenance: Provenance): ReadonlySet<string> {
  return new Set(provenance.map(({ object }) => object));
}

function provenanceOf(pieces: readonly BlamedPiece[]): Provenance {
  const parts = new Map<string, ProvenancePart>();
  for (const part of pieces.flatMap(({ provenance }) => provenance))
    parts.set(`${part.object} ${part.path}`, part);
  return [...parts.values()];
}

/** What made a piece, and its bytes, which tell it from others. */
interface BlamedPiece extends Pick<Piece, "provenance"> {
  readonly text: string;
}

/** Of other types the whole is one piece. */
function partsOf(type: ResourceType, resource: Resource): readonly BlamedPiece[] {
  if (type === "listener") return partsOfListener(resource);
  if (type !== "extension-config") return [];
  return rulesInSlot(resource.body).map(({ object, text }) => ({ text, provenance: [{ object }] }));
}

/** Its chains don't differ for what is logged and traced of them. */
function partsOfListener(listener: Resource): readonly BlamedPiece[] {
  const bytes = Buffer.concat(listener.body);
  const { provenance = [] }: Partial<BuiltResource> = listener;
  const chains = piecesIn(ListenerSchema, withWrittenTelemetry(bytes, NO_TELEMETRY), "filter chain");
  const telemetry = textsOf(writtenTelemetryIn(bytes));
  return [...chains, ...telemetry.map((text) => ({ text, provenance: telemetrySources({ provenance }) }))];
}

function routesOf(host: Buffer | undefined): readonly BlamedPiece[] {
  return host === undefined ? [] : piecesIn(VirtualHostSchema, host, "route");
}

function piecesIn(schema: DescMessage, bytes: Uint8Array, kind: PieceKind): readonly BlamedPiece[] {
  const pieces = [...piecesOf(schema, fromBinary(schema, bytes))].filter((piece) => piece.kind === kind);
  return pieces.map((piece) => ({
    provenance: piece.provenance,
    text: Buffer.from(toBinary(piece.schema, piece.message as Message)).toString("latin1"),
  }));
}
