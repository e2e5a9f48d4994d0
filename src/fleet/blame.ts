// Who is to blame for a resource that an Envoy refused: what made those pieces of it that its last good version
// didn't have. A port's routes come from every service of the mesh, and one of them is wrong.

import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { objectKey } from "../core/object-key.ts";
import { ClusterSchema } from "../gen/envoy/config/cluster/v3/cluster_pb.ts";
import type { Metadata } from "../gen/envoy/config/core/v3/base_pb.ts";
import { FilterChainSchema } from "../gen/envoy/config/listener/v3/listener_components_pb.ts";
import { ListenerSchema } from "../gen/envoy/config/listener/v3/listener_pb.ts";
import { RouteSchema } from "../gen/envoy/config/route/v3/route_components_pb.ts";
import { RouteConfigurationSchema } from "../gen/envoy/config/route/v3/route_pb.ts";
import type { Source, SourcePart } from "../view/source.ts";
import type { Resource } from "../xds/resource.ts";
import type { ResourceType } from "../xds/resource-type.ts";
import type { BuiltResource } from "./built-resource.ts";

export interface Blame {
  readonly source: Source;
  /** Everything else in the resource was accepted before, or Envoy said enough to tell; else all of it is suspect. */
  readonly isKnown: boolean;
}

export interface RefusedResource {
  readonly refused: BuiltResource;
  /** The last version that was accepted, where it is at hand. */
  readonly accepted: Resource | undefined;
  /** Envoy's own words. */
  readonly detail: string;
}

export function blame(type: ResourceType, { refused, accepted, detail }: RefusedResource): Blame {
  const known = new Set((accepted === undefined ? [] : piecesOf(type, accepted)).map(({ text }) => text));
  const suspects = piecesOf(type, refused).filter(({ text }) => !known.has(text));
  const quoted = suspects.filter(({ text }) => wordsOf(detail).some((word) => text.includes(word)));
  const isQuoted = new Set(quoted.map(objectOf)).size === 1;
  const source = sourceOf(isQuoted ? quoted : suspects);
  if (source.length === 0) return { source: refused.source, isKnown: false };
  return { source, isKnown: accepted !== undefined || isQuoted };
}

// Shorter ones stand anywhere.
const MIN_WORD_LENGTH = 3;

/** What Envoy may have quoted from the configuration: text in quotes, and what follows the last colon. */
function wordsOf(detail: string): readonly string[] {
  const quoted = [...detail.matchAll(/'([^']+)'|"([^"]+)"/g)].map(([, one, other]) => one ?? other ?? "");
  const last = detail.slice(detail.lastIndexOf(": ") + 2);
  return [...quoted, last].filter((word) => word.length >= MIN_WORD_LENGTH);
}

function objectOf({ source }: Piece): string {
  return source[0]?.object ?? "";
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

function piecesOf(type: ResourceType, { body }: Resource): readonly Piece[] {
  const bytes = Buffer.concat(body);
  switch (type) {
    case "route":
      return fromBinary(RouteConfigurationSchema, bytes).virtualHosts.flatMap(({ routes }) =>
        routes.map((route) => pieceOf(RouteSchema, route)),
      );
    case "listener":
      return fromBinary(ListenerSchema, bytes).filterChains.map((chain) => pieceOf(FilterChainSchema, chain));
    case "cluster":
      return [pieceOf(ClusterSchema, fromBinary(ClusterSchema, bytes))];
    default:
      return [];
  }
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
