import assert from "node:assert/strict";
import { test } from "node:test";
import { buildTestPod, firstContainer } from "../../../tests/support/pod-fixture.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import { resolveContainerUser } from "./container-user.ts";

const underRoot = { uid: 65_534, gid: 65_534, replacesRoot: true };
const underUser = { uid: 0, gid: 0, replacesRoot: false };

function choose(securityContext: Pod["spec"]["securityContext"], otherwise = underRoot) {
  const pod = buildTestPod({}, { spec: { ...(securityContext === undefined ? {} : { securityContext }) } });
  const outcome = resolveContainerUser(pod, firstContainer(pod), otherwise);
  if (outcome.kind === "unresolved") return outcome.problem.code;
  const { user, warning } = outcome.value;
  return `${user.uid}:${user.gid}:${user.groups.join()}${warning === undefined ? "" : ` ${warning.code}`}`;
}

const cases = [
  { asks: undefined, gets: "65534:65534:" },
  { asks: { runAsUser: 1000 }, gets: "1000:1000:" },
  { asks: { runAsUser: 1000, runAsGroup: 2000, fsGroup: 3000 }, gets: "1000:2000:3000" },
  { asks: { runAsUser: 0 }, gets: "65534:65534: MLT3121" },
  { asks: { runAsUser: 1000, runAsGroup: 0 }, gets: "1000:65534: MLT3121" },
  { asks: { fsGroup: 0 }, gets: "65534:65534:65534" },
  { asks: { runAsUser: 1337 }, gets: "MLT3120" },
  { asks: { runAsGroup: 1337 }, gets: "MLT3120" },
  { asks: { fsGroup: 1337 }, gets: "MLT3120" },
  { asks: { runAsUser: -1 }, gets: "MLT3109" },
  { asks: { runAsUser: 4294967295 }, gets: "MLT3109" },
] as const;

for (const { asks, gets } of cases) {
  test(`resolveContainerUser() under root answers ${JSON.stringify(asks)}`, () => {
    assert.equal(choose(asks), gets);
  });
}

test("resolveContainerUser() gives root where that is only a user namespace's", () => {
  assert.equal(choose({ runAsUser: 0 }, underUser), "0:0:");
});
