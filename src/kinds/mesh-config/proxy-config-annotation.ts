// The annotation by which a pod says its own ProxyConfig, over the mesh's defaultConfig: read alike by whoever needs it.

import { parse } from "yaml";
import { checkForm } from "../check-form.ts";
import type { Finding } from "../define-kind.ts";
import { type ProxyConfig, proxyConfig } from "./proxy-config.ts";

export const PROXY_CONFIG_ANNOTATION = "proxy.istio.io/config";

export type WrittenProxyConfig =
  | { readonly kind: "config"; readonly config: ProxyConfig }
  | { readonly kind: "not-yaml" }
  | { readonly kind: "faulty"; readonly findings: readonly Finding[] };

export function parseProxyConfigAnnotation(text: string): WrittenProxyConfig {
  const parsed = parseYaml(text);
  if (!isRecord(parsed)) return { kind: "not-yaml" };
  const { value, findings } = checkForm(proxyConfig, parsed, { isLenient: true });
  if (findings.length > 0) return { kind: "faulty", findings };
  return { kind: "config", config: value as ProxyConfig };
}

/** Lists are replaced, objects merged. */
export function mergeProxyConfigs<Config extends object>(base: Config, over: Config): Config {
  return merge(base as Fields, over as Fields) as Config;
}

type Fields = Readonly<Record<string, unknown>>;

function merge(base: Fields, over: Fields): Fields {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const before = merged[key];
    merged[key] = isRecord(before) && isRecord(value) ? merge(before, value) : value;
  }
  return merged;
}

function parseYaml(text: string): unknown {
  try {
    return parse(text) ?? {};
  } catch {
    return undefined; // The caller says what was wanted; the parser's own words name lines of an annotation.
  }
}

function isRecord(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
