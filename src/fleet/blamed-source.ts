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

/** Empty where nothing in the resource says it. `accepted`: the version before, where it is at hand. */
export function blamedSource(
  type: ResourceType,
  { refused, accepted }: { readonly refused: Resource; readonly accepted: Resource | undefined },
): Source {
  const known = new Set((accepted === undefined ? [] : piecesOf(type, accepted)).map(({ text }) => text));
  const blamed = new Map<string, SourcePart>();
  for (const { text, source } of piecesOf(type, refused)) {
    if (known.has(text)) continue;
    for (const part of source) blamed.set(`${part.object} ${part.path}`, part);
  }
  return [...blamed.values()];
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
