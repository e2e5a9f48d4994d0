// TrafficExtension: a filter of WebAssembly or Lua in the proxies of chosen workloads.

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

/** `WasmConfig` */
export const wasmConfig = message(wasmModuleFields, { required: { url: text() } });

/** `LuaConfig` */
export const luaConfig = message({}, { required: { inlineCode: text() } });

export const trafficExtensionSpec = message(
  {
    selector: workloadSelector,
    targetRefs: list(policyTargetReference),
    phase: choice("UNSPECIFIED", "AUTHN", "AUTHZ", "STATS"),
    priority: int32(),
    match: list(trafficSelector),
    wasm: wasmConfig,
    lua: luaConfig,
  },
  { oneofs: [["wasm", "lua"]] },
);

export const trafficExtensionKind = defineKind({
  kind: "TrafficExtension",
  group: "extensions.istio.io",
  versions: { served: ["v1alpha1"], storage: "v1alpha1" },
  plural: "trafficextensions",
  scope: "Namespaced",
  description: "A filter of WebAssembly or Lua in the proxies of chosen workloads.",
  fields: { spec: trafficExtensionSpec, status: anything() },
  columns: [{ title: "Phase", path: "spec.phase" }],
  rules: [policyTargetRules, trafficExtensionRules],
  admission: {
    spec: {
      rules: [atMostOne("only one of targetRefs or selector can be set", "selector", "targetRefs")],
    },
    ...selectorAdmission("spec.selector.matchLabels"),
    ...targetAdmission("targetRefs"),
    ...wasmModuleAdmission("spec.wasm"),
    "spec.lua.inlineCode": { minLength: 1 },
    "spec.match[].ports[].number": { minimum: 1, maximum: 65535 },
  },
});

export type TrafficExtension = ObjectOf<typeof trafficExtensionKind>;
export type TrafficExtensionSpec = TypeOf<typeof trafficExtensionSpec>;

function* trafficExtensionRules({ spec = {} }: { readonly spec?: TrafficExtensionSpec }): Findings {
  if (spec.wasm !== undefined) yield* checkWasmModule("spec.wasm", spec.wasm);
  if (spec.lua?.inlineCode === "")
    yield { code: "MLT1006", path: "spec.lua.inlineCode", message: "the code is empty" };
}
