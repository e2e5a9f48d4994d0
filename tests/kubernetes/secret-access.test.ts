// Whom the control plane serves a Secret, against a real API server: the ServiceAccount that may read it, as a
// SubjectAccessReview says, and nobody else of the namespace.

import assert from "node:assert/strict";
import { test } from "node:test";
import { customResourceDefinitions } from "../../src/install/custom-resource-definition.ts";
import { eventually } from "../e2e/mesh/eventually.ts";
import { startApiServer, whyNoApiServer } from "./cluster/api-server.ts";
import { definitionsEstablished } from "./cluster/definitions-established.ts";
import { startControlPlane } from "./control-plane-process.ts";
import { applyAll } from "./installed-user.ts";
import { edgeObjects, secretGivenTo, startPods } from "./secret-client.ts";

const skip = whyNoApiServer();
// A right is asked for again within a minute.
const REVIEW_MS = 75_000;

const rights = [
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "Role",
    metadata: { name: "read-secrets", namespace: "shop" },
    rules: [{ apiGroups: [""], resources: ["secrets"], verbs: ["get", "list", "watch"] }],
  },
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: { name: "edge", namespace: "shop" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "read-secrets" },
    subjects: [{ kind: "ServiceAccount", name: "edge", namespace: "shop" }],
  },
];

test("a Secret is served to the ServiceAccount that may read it, for as long as it may", {
  skip,
}, async (t) => {
  const server = await startApiServer({ controllerManager: true });
  t.after(() => server.close());
  for (const name of ["meltemi-system", "shop"]) await server.kubectl(["create", "namespace", name]);
  await applyAll(server, customResourceDefinitions());
  await definitionsEstablished(server.kubectl);
  await applyAll(server, [...rights, ...edgeObjects(["edge", "other"])]);
  await startPods(server, ["edge", "other"]);
  const plane = await startControlPlane(t, server, { podName: "first" });
  const given = (account: string) => secretGivenTo(t, { server, plane, account });
  await t.test("not to another gateway of the namespace", () => hasSecret(given, "other", "none"));
  await t.test("to the one that may", () => hasSecret(given, "edge", "key"));
  await t.test("no more when the right has gone", async () => {
    await server.kubectl(["-n", "shop", "delete", "rolebinding", "edge"]);
    await hasSecret(given, "edge", "none");
  });
});

async function hasSecret(
  given: (account: string) => Promise<"key" | "none">,
  account: string,
  wanted: "key" | "none",
): Promise<void> {
  await eventually(async () => assert.equal(await given(account), wanted), { deadlineMs: REVIEW_MS });
}
