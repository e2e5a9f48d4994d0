// The ProxyConfig of one pod: the mesh's defaultConfig with the annotation `proxy.istio.io/config` over it.

import { parse } from "yaml";
import type { Problem } from "../core/problem.ts";
import { problem } from "../core/problem.ts";
import type { ProxyConfig } from "../kinds/mesh-config/proxy-config.ts";
import type { InjectablePod } from "./injectable-pod.ts";
import { annotationOf } from "./injectable-pod.ts";

const ANNOTATION = "proxy.istio.io/config";

/** Lists are replaced, objects merged. */
export function podProxyConfig(pod: InjectablePod, defaults: ProxyConfig): ProxyConfig | Problem {
  const text = annotationOf(pod, ANNOTATION);
  if (text === undefined) return defaults;
  const parsed = parseYaml(text);
  if (!isRecord(parsed)) {
    return problem("MLT1005", {
      path: `metadata.annotations["${ANNOTATION}"]`,
      message: `Cannot read "${text.split("\n")[0] ?? ""}" as a ProxyConfig: wanted YAML such as "concurrency: 2"`,
    });
  }
  return merge({ ...defaults }, parsed) as ProxyConfig;
}

export function isProblem(value: object): value is Problem {
  return "severity" in value && "code" in value;
}

function parseYaml(text: string): unknown {
  try {
    return parse(text) ?? {};
  } catch {
    return undefined; // The caller says what was wanted; the parser's own words name lines of an annotation.
  }
}

function merge(
  base: Readonly<Record<string, unknown>>,
  over: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const before = merged[key];
    merged[key] = isRecord(before) && isRecord(value) ? merge(before, value) : value;
  }
  return merged;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
