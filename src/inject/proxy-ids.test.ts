import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultProxyIds, proxyIdsOf } from "./proxy-ids.ts";

const UIDS = "openshift.io/sa.scc.uid-range";
const GROUPS = "openshift.io/sa.scc.supplemental-groups";

test("proxyIdsOf() takes the last ids of an OpenShift namespace", () => {
  const annotations = { [UIDS]: "1000620000/10000", [GROUPS]: "1000630000/10000,5/1" };
  assert.deepEqual(proxyIdsOf(annotations), { uid: 1000629999, gid: 1000639999 });
});

test("proxyIdsOf() reads a range by its ends", () => {
  assert.equal(proxyIdsOf({ [UIDS]: "1000-1999" }).uid, 1999);
});

for (const text of ["", "many", "1000/0", "1000/ten"]) {
  test(`proxyIdsOf() keeps the usual ids for "${text}"`, () => {
    assert.deepEqual(proxyIdsOf({ [UIDS]: text }), defaultProxyIds);
  });
}
