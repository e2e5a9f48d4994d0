// The ProxyConfig of one pod: the mesh's defaultConfig with the annotation `proxy.istio.io/config` over it.

import type { Problem } from "../core/problem.ts";
import type { ProxyConfig } from "../kinds/mesh-config/proxy-config.ts";
import {
  PROXY_CONFIG_ANNOTATION as ANNOTATION,
  mergeProxyConfigs,
  parseProxyConfigAnnotation,
} from "../kinds/mesh-config/proxy-config-annotation.ts";
import type { InjectablePod } from "./injectable-pod.ts";
import { annotationOf } from "./injectable-pod.ts";
import type { PodAnnotations } from "./pod-annotations.ts";
import { annotationProblem } from "./pod-annotations.ts";

/** Lists are replaced, objects merged; older annotations for single fields stand over both. */
export function podProxyConfig(
  pod: InjectablePod,
  defaults: ProxyConfig,
  annotations: PodAnnotations,
): ProxyConfig | readonly Problem[] {
  const written = writtenConfig(pod);
  if (Array.isArray(written)) return written;
  return mergeProxyConfigs(
    mergeProxyConfigs(defaults, written as ProxyConfig),
    fieldsOfAnnotations(annotations),
  );
}

function writtenConfig(pod: InjectablePod): ProxyConfig | readonly Problem[] {
  const text = annotationOf(pod, ANNOTATION);
  if (text === undefined) return {};
  const written = parseProxyConfigAnnotation(text);
  switch (written.kind) {
    case "config":
      return written.config;
    case "not-yaml":
      return [annotationProblem(ANNOTATION, text, 'wanted YAML such as "concurrency: 2"')];
    case "faulty":
      return written.findings.map(({ path, message, hint }) => {
        const place = path === "" ? message : `${path}: ${message}`;
        return annotationProblem(ANNOTATION, text, hint === undefined ? place : `${place} (${hint})`);
      });
  }
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
