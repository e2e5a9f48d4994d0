// ProxyConfig: settings of the proxies of a namespace or of chosen workloads, read when a proxy is injected and starts.

import { selectorAdmission } from "./admission.ts";
import type { ObjectOf } from "./define-kind.ts";
import { defineKind } from "./define-kind.ts";
import { proxyImage } from "./mesh-config/proxy-config.ts";
import { checkLabel } from "./object-name.ts";
import type { TypeOf } from "./schema.ts";
import { anything, int32, map, message, text } from "./schema.ts";
import type { Findings } from "./value-rules.ts";
import { checkRange } from "./value-rules.ts";
import { workloadSelector } from "./workload-selector.ts";

export const proxyConfigObjectSpec = message({
  selector: workloadSelector,
  concurrency: int32(),
  environmentVariables: map(text()),
  image: proxyImage,
});

export const proxyConfigKind = defineKind({
  kind: "ProxyConfig",
  group: "networking.istio.io",
  versions: { served: ["v1beta1"], storage: "v1beta1" },
  plural: "proxyconfigs",
  scope: "Namespaced",
  description:
    "Settings of the proxies of a namespace or of chosen workloads, read when a proxy is injected and when it starts.",
  fields: { spec: proxyConfigObjectSpec, status: anything() },
  columns: [{ title: "Concurrency", path: "spec.concurrency" }],
  rules: [proxyConfigObjectRules],
  admission: {
    ...selectorAdmission("spec.selector.matchLabels"),
    "spec.concurrency": { minimum: 0 },
  },
});

export type ProxyConfigObject = ObjectOf<typeof proxyConfigKind>;
export type ProxyConfigObjectSpec = TypeOf<typeof proxyConfigObjectSpec>;

function* proxyConfigObjectRules({ spec = {} }: { readonly spec?: ProxyConfigObjectSpec }): Findings {
  for (const [key, value] of Object.entries(spec.selector?.matchLabels ?? {})) {
    yield* checkLabel(key, value, "spec.selector.matchLabels");
  }
  yield* checkRange("spec.concurrency", spec.concurrency, { minimum: 0 });
}
