// Where a workload's proxies send spans, and which: Telemetry objects of the mesh, of its namespace and of the workload, each
// over the one before, and beneath them MeshConfig. The rules are Istio's (pilot/pkg/model/telemetry.go, Tracing, and
// pilot/pkg/networking/core/tracing.go).

import type { ObjectKey } from "../core/object-key.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import { type ClaimedField, claims } from "../kinds/claims.ts";
import { meshConfigKind } from "../kinds/mesh-config/mesh-config.ts";
import type { ProxyTracing } from "../kinds/mesh-config/tracing.ts";
import { telemetryKind } from "../kinds/telemetry/telemetry.ts";
import type { TelemetryTracing } from "../kinds/telemetry/telemetry-spec.ts";
import { findProvider } from "./extension-providers.ts";
import type { MeshSettings } from "./mesh-settings.ts";
import type { ServiceTables } from "./provider-server.ts";
import { keyOf } from "./sources.ts";
import {
  isOfSide,
  providerNames,
  type Telemetries,
  type TelemetrySide,
  telemetryLevels,
} from "./telemetries.ts";
import { resolveTracer, type Tracer, tracerOfAddress } from "./tracers.ts";
import type { Workload } from "./workload-policies.ts";

/** What one side of a workload traces. */
export interface SideTracing {
  readonly tracer: Tracer;
  /** In [0, 100]: of requests that come without a decision of their own. */
  readonly samplingPercent: number;
  /** By the tag's name. */
  readonly customTags: Readonly<Record<string, TraceTag>>;
  /** Spans say which service, revision, namespace, cluster and mesh they are of. */
  readonly hasIstioTags: boolean;
  /** The decision is in `x-request-id` too, so that it holds where nobody passes on headers of traces. */
  readonly decidesByRequestId: boolean;
  readonly propagatesContext: boolean;
  /** Longer paths are cut in spans. Default 256, Envoy's. */
  readonly maxPathLength?: number;
}

export type TraceTag =
  | { readonly kind: "literal"; readonly value: string }
  /** A variable of the proxy's environment. */
  | { readonly kind: "environment"; readonly name: string; readonly otherwise: string }
  /** Of the request. */
  | { readonly kind: "header"; readonly name: string; readonly otherwise: string }
  /** With Envoy's commands, such as `%RESPONSE_CODE%`. */
  | { readonly kind: "formatter"; readonly value: string };

export interface Tracing {
  /** Of what the workload calls, and of what a gateway serves. */
  readonly client?: SideTracing;
  /** Of what calls the workload. */
  readonly server?: SideTracing;
  /** The Telemetry objects that decided. */
  readonly sources: readonly ObjectKey[];
}

export const tracingFields: readonly ClaimedField[] = [
  ...claims(telemetryKind, "spec.tracing[]", [
    ...(["match.mode", "providers[].name", "randomSamplingPercentage", "disableSpanReporting"] as const),
    ...(["useRequestIdForTraceSampling", "enableIstioTags", "disableContextPropagation"] as const),
    "customTags.*.literal.value",
    ...(["customTags.*.environment.name", "customTags.*.environment.defaultValue"] as const),
    ...(["customTags.*.header.name", "customTags.*.header.defaultValue"] as const),
    "customTags.*.formatter.value",
  ]),
  ...claims(meshConfigKind, ["spec.enableTracing", "spec.defaultProviders.tracing"]),
  ...claims(meshConfigKind, "spec.defaultConfig.tracing", [
    ...(["sampling", "maxPathTagLength", "enableIstioTags"] as const),
    "customTags.*.literal.value",
    ...(["customTags.*.environment.name", "customTags.*.environment.defaultValue"] as const),
    ...(["customTags.*.header.name", "customTags.*.header.defaultValue"] as const),
  ]),
];

export interface TracingModel extends TracingTables {
  /** Of workloads for which no namespace and no selector says another thing. */
  readonly ofMesh: Table<Tracing>;
}

export interface TracingTables extends ServiceTables {
  readonly telemetries: Telemetries;
  readonly settings: Table<MeshSettings>;
}

export function declareTracing(graph: Graph, tables: TracingTables): TracingModel {
  const ofMesh = graph.deriveOne<Tracing>({
    name: "tracing of the mesh",
    value: (read) => tracingOf(read, tables, { namespace: "", labels: {} }),
  });
  return { ...tables, ofMesh };
}

export function tracingOf(read: Read, tables: TracingTables, workload: Workload): Tracing {
  const levels = telemetryLevels(read, tables.telemetries, workload, "tracing");
  const entries = levels.flatMap(({ spec }) => spec?.tracing ?? []);
  const context = { read, tables, namespace: workload.namespace };
  const client = tracingOfSide(entries, "CLIENT", context);
  const server = tracingOfSide(entries, "SERVER", context);
  return {
    ...(client !== undefined && { client }),
    ...(server !== undefined && { server }),
    sources: levels.map(keyOf),
  };
}

interface Context {
  readonly read: Read;
  readonly tables: TracingTables;
  /** Of the workload. */
  readonly namespace: string;
}

/** Undefined where nothing is traced. */
function tracingOfSide(
  entries: readonly TelemetryTracing[],
  side: TelemetrySide,
  { read, tables, namespace }: Context,
): SideTracing | undefined {
  const settings = read.one(tables.settings);
  const said = mergeEntries(entries.filter((entry) => isOfSide(entry, side)));
  if (said.disableSpanReporting === true) return undefined;
  const proxyTracing: ProxyTracing = settings.proxyTracing ?? {};
  const name = providerNames(said)[0] ?? settings.defaultTracingProvider;
  const clients = { ...tables, namespace };
  const tracer =
    name === undefined
      ? tracerOfAddress(proxyTracing, clients, read)
      : resolveTracer(findProvider(settings, name), clients, read);
  if (tracer === undefined) return undefined;
  const maxPathLength = tracer.maxPathLength ?? proxyTracing.maxPathTagLength ?? 0;
  return {
    tracer,
    samplingPercent: tracer.decidesItself ? 100 : (said.randomSamplingPercentage ?? sampling(proxyTracing)),
    customTags: tagsOf(said.customTags ?? proxyTracing.customTags ?? {}),
    hasIstioTags: said.enableIstioTags ?? (name === undefined ? proxyTracing.enableIstioTags : true) ?? true,
    decidesByRequestId: said.useRequestIdForTraceSampling ?? true,
    propagatesContext: said.disableContextPropagation !== true,
    ...(maxPathLength > 0 && { maxPathLength }),
  };
}

/** The last word on each; empty lists of providers and tags say nothing. */
function mergeEntries(entries: readonly TelemetryTracing[]): TelemetryTracing {
  const words = entries.map(({ match: _match, providers = [], customTags = {}, ...entry }) => ({
    ...entry,
    ...(providers.length > 0 && { providers }),
    ...(Object.keys(customTags).length > 0 && { customTags }),
  }));
  return Object.assign({}, ...words) as TelemetryTracing;
}

const DEFAULT_SAMPLING_PERCENT = 1;

/** As in Istio 0 is nothing said, and so the default. */
function sampling({ sampling: percent = 0 }: ProxyTracing): number {
  return percent === 0 ? DEFAULT_SAMPLING_PERCENT : percent;
}

type WrittenTags = NonNullable<TelemetryTracing["customTags"]>;

/** Sorted, so that equal tags have equal bytes. */
function tagsOf(written: WrittenTags | NonNullable<ProxyTracing["customTags"]>): SideTracing["customTags"] {
  const tags = Object.entries(written as WrittenTags).flatMap(([name, tag]) => {
    const found = tagOf(tag);
    return found === undefined ? [] : [[name, found] as const];
  });
  return Object.fromEntries(tags.sort(([one], [other]) => (one < other ? -1 : 1)));
}

function tagOf({ literal, environment, header, formatter }: WrittenTags[string]): TraceTag | undefined {
  if (literal !== undefined) return { kind: "literal", value: literal.value };
  if (environment !== undefined)
    return { kind: "environment", name: environment.name, otherwise: environment.defaultValue ?? "" };
  if (header !== undefined)
    return { kind: "header", name: header.name, otherwise: header.defaultValue ?? "" };
  return formatter === undefined ? undefined : { kind: "formatter", value: formatter.value };
}
