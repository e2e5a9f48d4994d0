// Spans of requests: which of them, with which tags, and who takes them.

import { ISTIO_TRACE_TAGS } from "../../core/trace-environment.ts";
import type { HttpConnectionManager_TracingSchema } from "../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { UuidRequestIdConfigSchema } from "../../gen/envoy/extensions/request_id/uuid/v3/uuid_pb.ts";
import type { CustomTagSchema } from "../../gen/envoy/type/tracing/v3/custom_tag_pb.ts";
import type { SideTracing, TraceTag } from "../../model/tracing.ts";
import { type Plain, typedConfig } from "../encode.ts";
import type { ProxySide } from "./filter-chain-inputs.ts";
import { buildTracer } from "./tracer.ts";

type TracingInit = Plain<typeof HttpConnectionManager_TracingSchema>;
type CustomTagInit = Plain<typeof CustomTagSchema>;
type TagValue = NonNullable<CustomTagInit["type"]>;

interface TracingInputs {
  readonly tracing: SideTracing | undefined;
  readonly side: ProxySide;
}

export function buildTracing({ tracing, side }: TracingInputs) {
  if (tracing === undefined) return {};
  const { tracer, samplingPercent, maxPathLength, propagatesContext, decidesByRequestId } = tracing;
  // A gateway both serves and calls; of a sidecar each side has a span of its own. SkyWalking's spans need both.
  const hasUpstreamSpan = side === "gateway" || tracer.kind === "skywalking";
  const init: TracingInit = {
    clientSampling: { value: 100 },
    overallSampling: { value: 100 },
    randomSampling: { value: samplingPercent },
    customTags: customTags(tracing),
    provider: buildTracer(tracer),
    ...(hasUpstreamSpan && { spawnUpstreamSpan: true }),
    ...(maxPathLength !== undefined && { maxPathTagLength: maxPathLength }),
    ...(!propagatesContext && { noContextPropagation: true }),
  };
  return {
    tracing: init,
    ...(!decidesByRequestId && { requestIdExtension: { typedConfig: plainRequestIds } }),
  };
}

const plainRequestIds = typedConfig(UuidRequestIdConfigSchema, { useRequestIdForTraceSampling: false });

function customTags({ customTags: own, hasIstioTags }: SideTracing): CustomTagInit[] {
  const tags = new Map<string, TagValue>(hasIstioTags ? istioTags : []);
  for (const [tag, value] of Object.entries(own)) tags.set(tag, tagType(value));
  const sorted = [...tags].sort(([one], [other]) => (one < other ? -1 : 1));
  return sorted.map(([tag, type]) => ({ tag, type }));
}

function tagType(tag: TraceTag): TagValue {
  switch (tag.kind) {
    case "literal":
      return { case: "literal", value: { value: tag.value } };
    case "environment":
      return { case: "environment", value: { name: tag.name, defaultValue: tag.otherwise } };
    case "header":
      return { case: "requestHeader", value: { name: tag.name, defaultValue: tag.otherwise } };
    case "formatter":
      return { case: "value", value: tag.value };
  }
}

const istioTags: readonly (readonly [string, TagValue])[] = [
  ...Object.entries(ISTIO_TRACE_TAGS).map(
    ([tag, name]) => [tag, tagType({ kind: "environment", name, otherwise: "unknown" })] as const,
  ),
  ...["allow", "deny"].flatMap((verdict) => [
    [`istio.authorization.dry_run.${verdict}_policy.name`, dryRun(verdict, "effective_policy_id")] as const,
    [`istio.authorization.dry_run.${verdict}_policy.result`, dryRun(verdict, "engine_result")] as const,
  ]),
];

/** What a policy's dry run came to; no tag where there is none. */
function dryRun(verdict: string, what: string): TagValue {
  return {
    case: "metadata",
    value: {
      kind: { kind: { case: "request", value: {} } },
      metadataKey: {
        key: "envoy.filters.http.rbac",
        path: [{ segment: { case: "key", value: `istio_dry_run_${verdict}_shadow_${what}` } }],
      },
    },
  };
}
