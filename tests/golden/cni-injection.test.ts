// What injection makes of a pod where a CNI plugin captures it: no container with a capability, and one that validates.

import assert from "node:assert/strict";
import { test } from "node:test";
import { injectPod } from "../../src/inject/inject-pod.ts";
import { defaultInjectionSettings } from "../../src/inject/injection-settings.ts";
import { assertGolden } from "./printed.ts";

test("the containers of a pod that a CNI plugin captures", () => {
  const metadata = { name: "reviews", namespace: "shop" };
  const spec = { containers: [{ name: "reviews", image: "shop/reviews" }] };
  const settings = { ...defaultInjectionSettings, capture: "cni", usesNativeSidecars: true } as const;
  const injection = injectPod({ metadata, spec }, undefined, settings);
  assert.ok(injection.kind === "injected");
  const { initContainers = [], containers } = injection.pod.spec;
  const [validation, ...others] = initContainers;
  const rights = others.map(({ name, securityContext }) => ({ name, securityContext }));
  assertGolden("injected-cni", { initContainers: [validation, ...rights], containers });
});
