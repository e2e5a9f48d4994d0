// For tests: an inbound listener as it is served, with chains of HTTP and TCP, and with the access logs of some formats.

import { objectKey } from "../../src/core/object-key.ts";
import type { Plain } from "../../src/envoy/encode.ts";
import { buildVirtualInbound } from "../../src/envoy/listener/virtual-inbound.ts";
import { textsOf, writtenTelemetryIn } from "../../src/envoy/listener/written-telemetry.ts";
import { provenanceMetadata } from "../../src/envoy/provenance.ts";
import { type BuiltResource, buildResource } from "../../src/fleet/built-resource.ts";
import type { FilterChainSchema } from "../../src/gen/envoy/config/listener/v3/listener_components_pb.ts";
import { ListenerSchema } from "../../src/gen/envoy/config/listener/v3/listener_pb.ts";
import type { SideTracing } from "../../src/model/tracing.ts";
import type { Resource } from "../../src/xds/resource.ts";

export const SERVICE = { object: objectKey({ kind: "Service", namespace: "shop", name: "web" }) };
export const TELEMETRY = { object: objectKey({ kind: "Telemetry", namespace: "shop", name: "logs" }) };

const LISTENER = "virtualInbound";

/** Ports tell listeners apart that log the same; `format` is that of a tag of its spans. */
export function loggedListener(
  formats: readonly string[],
  { port = 8080, format }: { readonly port?: number; readonly format?: string } = {},
): BuiltResource {
  const message = buildVirtualInbound(
    {
      ports: [{ port, protocol: "HTTP", mode: "PERMISSIVE" }],
      otherPortsMode: "PERMISSIVE",
      otherPorts: [],
      families: "ipv4",
      settings: {
        pathNormalization: "BASE",
        protocolDetectionTimeout: "0s",
        accessLogs: formats.map((format) => ({ kind: "file", path: "/dev/stdout", format, isJson: false })),
        ...(format !== undefined && { tracing: tracingWith(format) }),
      },
    },
    15006,
  );
  const metadata = provenanceMetadata([SERVICE]);
  const chains = (message.filterChains ?? []) as readonly Plain<typeof FilterChainSchema>[];
  const filterChains = chains.map((chain) => ({ ...chain, metadata }));
  const provenance = formats.length === 0 && format === undefined ? [SERVICE] : [SERVICE, TELEMETRY];
  return buildResource(ListenerSchema, { ...message, filterChains }, { name: LISTENER, provenance });
}

function tracingWith(format: string): SideTracing {
  const server = { hostname: "tracer.shop.svc.cluster.local", cluster: "tracer" };
  return {
    ...{ tracer: { kind: "zipkin", server, settings: {} }, samplingPercent: 1, hasIstioTags: true },
    ...{ customTags: { own: { kind: "formatter", value: format } } },
    ...{ decidesByRequestId: false, propagatesContext: true },
  };
}

/** Sorted: what is logged, each once. */
export function formatsIn({ body }: Resource): readonly string[] {
  const texts = textsOf(writtenTelemetryIn(Buffer.concat(body)));
  return [...new Set(texts.flatMap((text) => text.match(/format-[a-z]+/g) ?? []))].sort();
}
