import assert from "node:assert/strict";
import { test } from "node:test";
import { commitObjects, meshFixture } from "../../../tests/support/mesh-fixture.ts";
import { parseForMesh } from "../../kinds/authorization-policy/refused-policy.ts";
import { declareProblems } from "./problems.ts";

const GATEWAY = { group: "gateway.networking.k8s.io", kind: "Gateway", name: "edge" };

function problemOf(spec: object, namespace = "shop"): string | undefined {
  const { graph, sources, model, put } = meshFixture();
  const problems = declareProblems(graph, sources, model);
  put("apiVersion: meltemi.dev/v1\nkind: MeshConfig\nmetadata: { name: mesh }\n");
  const { object, standIn } = parseForMesh({
    apiVersion: "security.istio.io/v1",
    kind: "AuthorizationPolicy",
    metadata: { name: "policy", namespace },
    spec,
  });
  commitObjects(
    graph,
    sources,
    [object ?? standIn].flatMap((each) => each ?? []),
  );
  const found = [...problems.entries()].flatMap(([, each]) => each);
  return found.find(({ code }) => code === "MLT2034")?.message;
}

const message = (who: string) =>
  `The policy has errors, and no earlier version of it is known, so ${who} refuse all traffic`;

test("checkRefusedPolicy() says what a policy with errors closes", () => {
  const action = "DENIED";
  const selector = { matchLabels: { app: "web" } };
  assert.equal(problemOf({ action }), message('all pods in namespace "shop"'));
  assert.equal(problemOf({ action }, "istio-system"), message("all pods of the mesh"));
  assert.equal(
    problemOf({ action, selector }),
    message('pods with the labels "app=web" in namespace "shop"'),
  );
  assert.equal(problemOf({ action, targetRef: GATEWAY }), message('the targets "Gateway edge"'));
});

test("checkRefusedPolicy() is silent about a policy without errors", () => {
  assert.equal(problemOf({ action: "DENY", rules: [{}] }), undefined);
});
