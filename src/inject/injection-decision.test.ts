import assert from "node:assert/strict";
import { test } from "node:test";
import type { InjectablePod } from "./injectable-pod.ts";
import { decideInjection } from "./injection-decision.ts";
import type { InjectionSettings } from "./injection-settings.ts";
import { defaultInjectionSettings } from "./injection-settings.ts";

interface Case {
  readonly name: string;
  readonly pod?: {
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    namespace?: string;
  };
  readonly spec?: Partial<InjectablePod["spec"]>;
  readonly namespace?: Record<string, string>;
  readonly settings?: Partial<InjectionSettings>;
  readonly injects: boolean;
}

const LABEL = "sidecar.istio.io/inject";
const enabled = { "istio-injection": "enabled" };
const app = { matchLabels: { app: "batch" } };

const cases: readonly Case[] = [
  { name: "a labelled namespace", namespace: enabled, injects: true },
  { name: "an unlabelled namespace", namespace: {}, injects: false },
  {
    name: "an unlabelled namespace, on by default",
    namespace: {},
    settings: { isEnabledByDefault: true },
    injects: true,
  },
  { name: "a disabled namespace", namespace: { "istio-injection": "disabled" }, injects: false },
  {
    name: "a disabled namespace whose pod asks",
    namespace: { "istio-injection": "disabled" },
    pod: { labels: { [LABEL]: "true" } },
    injects: false,
  },
  { name: "a pod that asks by label", namespace: {}, pod: { labels: { [LABEL]: "true" } }, injects: true },
  {
    name: "a pod that asks by annotation alone",
    namespace: {},
    pod: { annotations: { [LABEL]: "true" } },
    injects: false,
  },
  {
    name: "a pod that refuses by label",
    namespace: enabled,
    pod: { labels: { [LABEL]: "false" } },
    injects: false,
  },
  {
    name: "a pod that refuses by annotation",
    namespace: enabled,
    pod: { annotations: { [LABEL]: "false" } },
    injects: false,
  },
  {
    name: "a label against an annotation",
    namespace: enabled,
    pod: { labels: { [LABEL]: "true" }, annotations: { [LABEL]: "false" } },
    injects: true,
  },
  { name: "our revision", namespace: { "istio.io/rev": "default" }, injects: true },
  { name: "another's revision", namespace: { "istio.io/rev": "canary" }, injects: false },
  {
    name: "a pod of another's revision",
    namespace: {},
    pod: { labels: { "istio.io/rev": "canary" } },
    injects: false,
  },
  {
    name: "a pod of our revision",
    namespace: {},
    pod: { labels: { "istio.io/rev": "default" } },
    injects: true,
  },
  { name: "the node's network", namespace: enabled, spec: { hostNetwork: true }, injects: false },
  { name: "kube-system", namespace: enabled, pod: { namespace: "kube-system" }, injects: false },
  {
    name: "neverInject",
    namespace: enabled,
    pod: { labels: { app: "batch" } },
    settings: { neverInject: [app] },
    injects: false,
  },
  {
    name: "neverInject before alwaysInject",
    namespace: enabled,
    pod: { labels: { app: "batch" } },
    settings: { neverInject: [app], alwaysInject: [app] },
    injects: false,
  },
  {
    name: "a pod that asks, before neverInject",
    namespace: enabled,
    pod: { labels: { app: "batch", [LABEL]: "true" } },
    settings: { neverInject: [app] },
    injects: true,
  },
  {
    name: "an empty neverInject selector",
    namespace: enabled,
    settings: { neverInject: [{}] },
    injects: true,
  },
  { name: "a policy of asking", namespace: enabled, settings: { isOptIn: true }, injects: false },
  {
    name: "a pod that asks, by a policy of asking",
    namespace: enabled,
    pod: { labels: { [LABEL]: "true" } },
    settings: { isOptIn: true },
    injects: true,
  },
  {
    name: "alwaysInject by a policy of asking",
    namespace: enabled,
    pod: { labels: { app: "batch" } },
    settings: { isOptIn: true, alwaysInject: [app] },
    injects: true,
  },
  { name: "injection by hand", injects: true },
];

for (const { name, pod = {}, spec = {}, namespace, settings, injects } of cases) {
  test(`decideInjection() ${injects ? "injects" : "skips"}: ${name}`, () => {
    const metadata = { namespace: "shop", ...pod };
    const decision = decideInjection({ metadata, spec: { containers: [], ...spec } }, namespace, {
      ...defaultInjectionSettings,
      ...settings,
    });
    assert.equal(decision.kind, injects ? "inject" : "skip", JSON.stringify(decision));
  });
}
