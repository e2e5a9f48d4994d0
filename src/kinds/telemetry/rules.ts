// What a Telemetry's schema can't say: percentages, and which overrides need a value.

import { checkTraceTags } from "../trace-rules.ts";
import type { Findings } from "../value-rules.ts";
import { checkDuration, checkRange } from "../value-rules.ts";
import { findExpressionFault } from "./log-expression.ts";
import type { TelemetryMetrics, TelemetrySpec } from "./telemetry-spec.ts";

interface TelemetryLike {
  readonly spec?: TelemetrySpec;
}

export function* telemetryRules({ spec = {} }: TelemetryLike): Findings {
  for (const [index, { providers = [], randomSamplingPercentage, customTags }] of (
    spec.tracing ?? []
  ).entries()) {
    const path = `spec.tracing[${index}]`;
    yield* checkRange(`${path}.randomSamplingPercentage`, randomSamplingPercentage, {
      minimum: 0,
      maximum: 100,
    });
    yield* checkTraceTags(`${path}.customTags`, customTags);
    if (providers.length > 1)
      yield { path: `${path}.providers`, message: `found ${providers.length} providers, wanted at most 1` };
  }
  for (const [index, { filter }] of (spec.accessLogging ?? []).entries()) {
    const fault = findExpressionFault(filter?.expression ?? "true");
    if (fault === undefined) continue;
    const path = `spec.accessLogging[${index}].filter.expression`;
    yield {
      path,
      message: `no Envoy takes this CEL expression: ${fault}`,
      hint: 'such as "response.code >= 500"',
    };
  }
  for (const [index, metrics] of (spec.metrics ?? []).entries()) {
    yield* checkMetrics(`spec.metrics[${index}]`, metrics);
  }
}

function* checkMetrics(path: string, { overrides = [], reportingInterval }: TelemetryMetrics): Findings {
  yield* checkDuration(`${path}.reportingInterval`, reportingInterval);
  for (const [index, { match, tagOverrides = {} }] of overrides.entries()) {
    const place = `${path}.overrides[${index}]`;
    if (match?.customMetric === "")
      yield { path: `${place}.match.customMetric`, message: "a metric's name is empty" };
    for (const [tag, { operation = "UPSERT", value = "" }] of Object.entries(tagOverrides)) {
      const where = `${place}.tagOverrides.${tag}`;
      if (operation === "UPSERT" && value === "")
        yield { code: "MLT1006", path: `${where}.value`, message: "a tag that is set needs a value" };
      if (operation === "REMOVE" && value !== "")
        yield { path: `${where}.value`, message: "a tag that is removed has no value" };
    }
  }
}
