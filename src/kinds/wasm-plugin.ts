// WasmPlugin: a filter of WebAssembly in the proxies of chosen workloads.

import { atMostOne, selectorAdmission, targetAdmission } from "./admission.ts";
import type { ObjectOf } from "./define-kind.ts";
import { defineKind } from "./define-kind.ts";
import {
  checkWasmModule,
  trafficSelector,
  wasmModuleAdmission,
  wasmModuleFields,
} from "./extension-filter.ts";
import { policyTargetReference, policyTargetRules } from "./policy-target.ts";
import type { TypeOf } from "./schema.ts";
import { anything, choice, int32, list, message, text } from "./schema.ts";
import type { Findings } from "./value-rules.ts";
import { workloadSelector } from "./workload-selector.ts";

export const wasmPluginSpec = message(
  {
    selector: workloadSelector,
    targetRef: policyTargetReference,
    targetRefs: list(policyTargetReference),
    ...wasmModuleFields,
    phase: choice("UNSPECIFIED_PHASE", "AUTHN", "AUTHZ", "STATS"),
    priority: int32(),
    match: list(trafficSelector),
  },
  { required: { url: text() } },
);

export const wasmPluginKind = defineKind({
  kind: "WasmPlugin",
  group: "extensions.istio.io",
  versions: { served: ["v1alpha1"], storage: "v1alpha1" },
  plural: "wasmplugins",
  scope: "Namespaced",
  description: "A filter of WebAssembly in the proxies of chosen workloads.",
  fields: { status: anything() },
  requiredFields: { spec: wasmPluginSpec },
  columns: [
    { title: "Phase", path: "spec.phase" },
    { title: "URL", path: "spec.url" },
  ],
  rules: [policyTargetRules, wasmPluginRules],
  admission: {
    spec: {
      rules: [
        atMostOne("only one of targetRefs or selector can be set", "selector", "targetRef", "targetRefs"),
      ],
    },
    ...selectorAdmission("spec.selector.matchLabels"),
    ...targetAdmission("targetRef", "targetRefs"),
    ...wasmModuleAdmission("spec"),
    "spec.match[].ports[].number": { minimum: 1, maximum: 65535 },
  },
});

export type WasmPlugin = ObjectOf<typeof wasmPluginKind>;
export type WasmPluginSpec = TypeOf<typeof wasmPluginSpec>;

function* wasmPluginRules({ spec }: { readonly spec: WasmPluginSpec }): Findings {
  yield* checkWasmModule("spec", spec);
}
