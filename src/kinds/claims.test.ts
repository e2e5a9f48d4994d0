import assert from "node:assert/strict";
import { test } from "node:test";
import { claims } from "./claims.ts";
import { podKind } from "./pod/pod.ts";
import { virtualServiceKind } from "./virtual-service/virtual-service.ts";

test("claims() names leaves of a kind, or of a part of it", () => {
  assert.deepEqual(
    [
      ...claims(virtualServiceKind, ["spec.hosts", "spec.http[].match[].headers.*.exact"]),
      ...claims(podKind, "spec.containers[].env[]", ["valueFrom.fieldRef.fieldPath"]),
    ],
    [
      "VirtualService.spec.hosts",
      "VirtualService.spec.http[].match[].headers.*.exact",
      "Pod.spec.containers[].env[].valueFrom.fieldRef.fieldPath",
    ],
  );
});

test("claims() lets the compiler refuse a field that the kind lacks, a part, and a wildcard over a part", () => {
  const refused = [
    // @ts-expect-error no such field
    ...claims(virtualServiceKind, "spec.http[].retries", ["atempts"]),
    // @ts-expect-error no such part
    ...claims(virtualServiceKind, "spec.http[].retry", ["attempts"]),
    // @ts-expect-error a part, not a leaf
    ...claims(virtualServiceKind, ["spec.http[].retries"]),
    // @ts-expect-error the keys are the API's, not the user's
    ...claims(virtualServiceKind, ["spec.http[].retries.*"]),
    // @ts-expect-error a list is one leaf
    ...claims(virtualServiceKind, ["spec.hosts[]"]),
  ];
  assert.equal(refused.length, 5);
});
