import assert from "node:assert/strict";
import { test } from "node:test";
import type { NativeSidecarWish } from "./native-sidecars.ts";
import { nativeSidecarsOf } from "./native-sidecars.ts";

interface Case {
  readonly versions: readonly string[];
  readonly wish: NativeSidecarWish;
  readonly isDefault: boolean;
  readonly isPossible: boolean;
}

const cases: readonly Case[] = [
  { versions: ["v1.33.0", "v1.36.3"], wish: "auto", isDefault: true, isPossible: true },
  { versions: ["v1.34.1+k3s1", "v1.33.4-gke.1"], wish: "auto", isDefault: true, isPossible: true },
  { versions: ["v1.36.3", "v1.32.9"], wish: "auto", isDefault: false, isPossible: true },
  { versions: ["v1.36.3", "v1.32.9"], wish: "always", isDefault: true, isPossible: true },
  { versions: ["v1.36.3"], wish: "never", isDefault: false, isPossible: true },
  { versions: ["v1.36.3", "v1.28.0"], wish: "always", isDefault: false, isPossible: false },
  { versions: [], wish: "auto", isDefault: false, isPossible: true },
  { versions: ["v2.0.0"], wish: "auto", isDefault: true, isPossible: true },
];

for (const { versions, wish, ...wanted } of cases) {
  test(`nativeSidecarsOf() with kubelets ${versions.join(", ")} and wish ${wish}`, () => {
    assert.deepEqual(nativeSidecarsOf(versions, wish), wanted);
  });
}
