// The parts of a resource that people speak of, by one set of names: whoever blames, explains or patches a part finds it
// here. Works on messages as builders write them, and on those decoded from the wire.

import { type DescMessage, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { ClusterSchema } from "../gen/envoy/config/cluster/v3/cluster_pb.ts";
import {
  FilterChainSchema,
  FilterSchema,
  ListenerFilterSchema,
} from "../gen/envoy/config/listener/v3/listener_components_pb.ts";
import { ListenerSchema } from "../gen/envoy/config/listener/v3/listener_pb.ts";
import { RouteSchema, VirtualHostSchema } from "../gen/envoy/config/route/v3/route_components_pb.ts";
import { RouteConfigurationSchema } from "../gen/envoy/config/route/v3/route_pb.ts";
import {
  HttpConnectionManagerSchema,
  HttpFilterSchema,
} from "../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import type { Provenance } from "../view/provenance.ts";
import type { PackedMessage } from "./message-encoder.ts";
import { sourceIn } from "./provenance.ts";

export type PieceKind =
  | "cluster"
  | "listener"
  | "listener filter"
  | "filter chain"
  | "network filter"
  | "HTTP filter"
  | "route configuration"
  | "virtual host"
  | "route";

export interface Piece {
  readonly kind: PieceKind;
  /** As Envoy knows it; empty for those without a name. */
  readonly name: string;
  /** From the resource down, such as `filterChains[2].filters[0]`; empty for the resource itself. */
  readonly path: string;
  readonly schema: DescMessage;
  readonly message: object;
  /** What made it: what it says itself, else what the piece around it says. */
  readonly provenance: Provenance;
}

type Values = Readonly<Record<string, unknown>>;

interface Part {
  readonly path: string;
  readonly schema: DescMessage;
  readonly message: object;
}

interface PieceType {
  readonly kind: PieceKind;
  readonly partsOf: (message: Values) => readonly Part[];
}

const types: ReadonlyMap<string, PieceType> = new Map<string, PieceType>([
  [ClusterSchema.typeName, { kind: "cluster", partsOf: () => [] }],
  [
    ListenerSchema.typeName,
    {
      kind: "listener",
      partsOf: (listener) => [
        ...partsIn(listener, "listenerFilters", ListenerFilterSchema),
        ...partsIn(listener, "filterChains", FilterChainSchema),
        ...partIn(listener, "defaultFilterChain", FilterChainSchema),
      ],
    },
  ],
  [ListenerFilterSchema.typeName, { kind: "listener filter", partsOf: () => [] }],
  [
    FilterChainSchema.typeName,
    { kind: "filter chain", partsOf: (chain) => partsIn(chain, "filters", FilterSchema) },
  ],
  [FilterSchema.typeName, { kind: "network filter", partsOf: httpFiltersIn }],
  [HttpFilterSchema.typeName, { kind: "HTTP filter", partsOf: () => [] }],
  [
    RouteConfigurationSchema.typeName,
    { kind: "route configuration", partsOf: (table) => partsIn(table, "virtualHosts", VirtualHostSchema) },
  ],
  [
    VirtualHostSchema.typeName,
    { kind: "virtual host", partsOf: (host) => partsIn(host, "routes", RouteSchema) },
  ],
  [RouteSchema.typeName, { kind: "route", partsOf: () => [] }],
]);

/** The message itself first, then what is in it, each before its own parts. Throws for a type that is no piece. */
export function* piecesOf<Schema extends DescMessage>(
  schema: Schema,
  message: MessageInitShape<Schema>,
): Generator<Piece> {
  yield* pieceOf({ path: "", schema, message: message as object }, []);
}

function* pieceOf({ path, schema, message }: Part, around: Provenance): Generator<Piece> {
  const type = types.get(schema.typeName);
  if (type === undefined) throw new Error(`${schema.typeName} isn't a piece of a resource`);
  const values = message as Values;
  const own = sourceIn(values.metadata as Parameters<typeof sourceIn>[0]);
  const provenance = own.length > 0 ? own : around;
  yield {
    kind: type.kind,
    name: (values.name as string | undefined) ?? "",
    path,
    schema,
    message,
    provenance,
  };
  for (const part of type.partsOf(values)) {
    yield* pieceOf({ ...part, path: path === "" ? part.path : `${path}.${part.path}` }, provenance);
  }
}

function partsIn(message: Values, field: string, schema: DescMessage): readonly Part[] {
  const list = (message[field] ?? []) as readonly object[];
  return list.map((part, at) => ({ path: `${field}[${at}]`, schema, message: part }));
}

function partIn(message: Values, field: string, schema: DescMessage): readonly Part[] {
  const part = message[field] as object | undefined;
  return part === undefined ? [] : [{ path: field, schema, message: part }];
}

function httpFiltersIn({ configType }: Values): readonly Part[] {
  const { case: form, value } = (configType ?? {}) as { readonly case?: string; readonly value?: object };
  if (form !== "typedConfig" || value === undefined) return [];
  const manager = connectionManagerIn(value as PackedMessage | Any);
  return manager === undefined ? [] : partsIn(manager, "httpFilters", HttpFilterSchema);
}

function connectionManagerIn(config: PackedMessage | Any): Values | undefined {
  if (config.typeUrl.split("/").at(-1) !== HttpConnectionManagerSchema.typeName) return undefined;
  const manager =
    "packed" in config ? config.packed.message : fromBinary(HttpConnectionManagerSchema, config.value);
  return manager as unknown as Values;
}
