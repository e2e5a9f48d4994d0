// The ProxyConfig of one pod: the mesh's defaultConfig with the annotation `proxy.istio.io/config` over it.

import { parse } from "yaml";
import type { Problem } from "../core/problem.ts";
import { checkForm } from "../kinds/check-form.ts";
import type { ProxyConfig } from "../kinds/mesh-config/proxy-config.ts";
import { proxyConfig } from "../kinds/mesh-config/proxy-config.ts";
import type { InjectablePod } from "./injectable-pod.ts";
import { annotationOf } from "./injectable-pod.ts";
import type { PodAnnotations } from "./pod-annotations.ts";
import { annotationProblem } from "./pod-annotations.ts";

const ANNOTATION = "proxy.istio.io/config";

/** Lists are replaced, objects merged; older annotations for single fields stand over both. */
export function podProxyConfig(
  pod: InjectablePod,
  defaults: ProxyConfig,
  annotations: PodAnnotations,
): ProxyConfig | readonly Problem[] {
  const written = writtenConfig(pod);
  if (Array.isArray(written)) return written;
  return merge(
    merge({ ...defaults }, written as ProxyConfig),
    fieldsOfAnnotations(annotations),
  ) as ProxyConfig;
}

function writtenConfig(pod: InjectablePod): ProxyConfig | readonly Problem[] {
  const text = annotationOf(pod, ANNOTATION);
  if (text === undefined) return {};
  const parsed = parseYaml(text);
  if (!isRecord(parsed)) return [annotationProblem(ANNOTATION, text, 'wanted YAML such as "concurrency: 2"')];
  const { value, findings } = checkForm(proxyConfig, parsed, { isLenient: true });
  const faults = findings.map(({ path, message, hint }) => {
    const place = path === "" ? message : `${path}: ${message}`;
    return annotationProblem(ANNOTATION, text, hint === undefined ? place : `${place} (${hint})`);
  });
  return faults.length > 0 ? faults : (value as ProxyConfig);
}

function fieldsOfAnnotations(annotations: PodAnnotations): ProxyConfig {
  const { discoveryAddress, controlPlaneAuthPolicy, statsPrefixes, statsSuffixes, statsRegexps } =
    annotations;
  const proxyStatsMatcher = {
    ...(statsPrefixes && { inclusionPrefixes: statsPrefixes }),
    ...(statsSuffixes && { inclusionSuffixes: statsSuffixes }),
    ...(statsRegexps && { inclusionRegexps: statsRegexps }),
  };
  return {
    ...(discoveryAddress !== undefined && { discoveryAddress }),
    ...(controlPlaneAuthPolicy !== undefined && { controlPlaneAuthPolicy }),
    ...(Object.keys(proxyStatsMatcher).length > 0 && { proxyStatsMatcher }),
  };
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
