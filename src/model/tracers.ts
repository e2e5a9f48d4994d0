// Who takes spans: the extension providers of MeshConfig that unmodified Envoys can send them to, and the older addresses of
// ProxyConfig.

import type { Read } from "../graph/read.ts";
import { type ClaimedField, claims } from "../kinds/claims.ts";
import type {
  DatadogTracingProvider,
  ExtensionProvider,
  OpenTelemetryTracingProvider,
  SkyWalkingTracingProvider,
  ZipkinTracingProvider,
} from "../kinds/mesh-config/extension-provider.ts";
import { meshConfigKind } from "../kinds/mesh-config/mesh-config.ts";
import type { ProxyTracing } from "../kinds/mesh-config/tracing.ts";
import {
  addressOf,
  findVisibleServer,
  type ProviderAddress,
  type ProviderClients,
  type ProviderServer,
  whyNoGrpc,
  whyNoServer,
} from "./provider-server.ts";

interface AnyTracer<Kind extends string, Settings> {
  readonly kind: Kind;
  readonly settings: Settings;
  readonly server: ProviderServer;
  /** 0 is Envoy's default. */
  readonly maxPathLength?: number;
  /** It samples, so it is to be given every request. */
  readonly decidesItself?: true;
}

export type Tracer =
  | AnyTracer<"zipkin", ZipkinTracingProvider>
  | AnyTracer<"datadog", DatadogTracingProvider>
  | AnyTracer<"skywalking", SkyWalkingTracingProvider>
  | (AnyTracer<"opentelemetry", OpenTelemetryTracingProvider> & {
      /** Where its sampler asks, if that is elsewhere. */
      readonly samplerServer?: ProviderServer;
    });

const ADDRESS = ["service", "port"] as const;

export const tracerFields: readonly ClaimedField[] = [
  ...claims(meshConfigKind, "spec.extensionProviders[].zipkin", [...ADDRESS, "maxTagLength"]),
  ...claims(meshConfigKind, "spec.extensionProviders[].datadog", [...ADDRESS, "maxTagLength"]),
  ...claims(meshConfigKind, "spec.extensionProviders[].skywalking", ADDRESS),
  ...claims(meshConfigKind, "spec.extensionProviders[].opentelemetry", [
    ...[...ADDRESS, "maxTagLength" as const],
    ...(["dynatraceSampler.httpService.service", "dynatraceSampler.httpService.port"] as const),
  ]),
  ...claims(meshConfigKind, ["spec.defaultConfig.tracing.zipkin.address"]),
  ...claims(meshConfigKind, ["spec.defaultConfig.tracing.datadog.address"]),
];

/** Undefined where spans can't be sent: no such provider, one for other things, or a service that clients don't see. */
export function resolveTracer(
  provider: ExtensionProvider | undefined,
  clients: ProviderClients,
  read: Read,
): Tracer | undefined {
  const { zipkin, datadog, skywalking, opentelemetry } = provider ?? {};
  const serverOf = (address: ProviderAddress) => findVisibleServer(address, clients, read);
  const lengthOf = ({ maxTagLength = 0 }: { readonly maxTagLength?: number }) =>
    maxTagLength > 0 ? { maxPathLength: maxTagLength } : {};
  if (zipkin !== undefined) {
    const server = serverOf(zipkin);
    return server && { kind: "zipkin", settings: zipkin, server, ...lengthOf(zipkin) };
  }
  if (datadog !== undefined) {
    const server = serverOf(datadog);
    return server && { kind: "datadog", settings: datadog, server, ...lengthOf(datadog) };
  }
  if (skywalking !== undefined) {
    const server = serverOf(skywalking);
    return server && { kind: "skywalking", settings: skywalking, server };
  }
  if (opentelemetry === undefined) return undefined;
  const server = serverOf(opentelemetry);
  const sampler = opentelemetry.dynatraceSampler;
  const samplerServer = sampler?.httpService === undefined ? undefined : serverOf(sampler.httpService);
  const lacksSampler = sampler?.httpService !== undefined && samplerServer === undefined;
  if (server === undefined || lacksSampler) return undefined;
  return {
    ...{ kind: "opentelemetry", settings: opentelemetry, server, ...lengthOf(opentelemetry) },
    ...(sampler !== undefined && { decidesItself: true }),
    ...(samplerServer !== undefined && { samplerServer }),
  };
}

/** What lacks for spans to be sent, as a part of a sentence; undefined for nothing. */
export function whyNoTracer(
  provider: ExtensionProvider | undefined,
  clients: ProviderClients,
  read: Read,
): string | undefined {
  if (provider === undefined) return "MeshConfig.extensionProviders has none of that name";
  const { zipkin, datadog, skywalking, opentelemetry, lightstep, stackdriver, opencensus } = provider;
  if ((lightstep ?? stackdriver ?? opencensus) !== undefined)
    return "no Envoy of today has a tracer for it: use opentelemetry";
  const tracer = zipkin ?? datadog ?? skywalking ?? opentelemetry;
  if (tracer === undefined) return "MeshConfig.extensionProviders has another use for it";
  const isByGrpc =
    skywalking !== undefined || (opentelemetry !== undefined && opentelemetry.http === undefined);
  if (isByGrpc) {
    const why = whyNoGrpc(tracer, "spans", { clients, read });
    if (why !== undefined) return why;
  }
  const sampler = opentelemetry?.dynatraceSampler?.httpService;
  return [tracer, ...(sampler === undefined ? [] : [sampler])]
    .map((address) => whyNoServer(address, clients, read))
    .find((why) => why !== undefined);
}

/** By the addresses of older settings, where they are those of services. */
export function tracerOfAddress(
  { zipkin, datadog }: ProxyTracing,
  clients: ProviderClients,
  read: Read,
): Tracer | undefined {
  if (zipkin?.address)
    return resolveTracer({ zipkin: addressOf(zipkin.address, clients, read) }, clients, read);
  if (datadog?.address)
    return resolveTracer({ datadog: addressOf(datadog.address, clients, read) }, clients, read);
  return undefined;
}
