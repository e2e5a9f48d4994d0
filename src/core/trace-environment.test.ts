import assert from "node:assert/strict";
import { test } from "node:test";
import { ISTIO_TRACE_TAGS, traceEnvironment } from "./trace-environment.ts";

const node = {
  cluster: "reviews.shop",
  metadata: { NAMESPACE: "shop", CLUSTER_ID: "Kubernetes", LABELS: { app: "reviews", version: "v2" } },
};

test("a proxy's environment says whose its spans are, as Istio's tags do", () => {
  assert.deepEqual(traceEnvironment(node, {}), {
    MELTEMI_CANONICAL_REVISION: "v2",
    MELTEMI_CANONICAL_SERVICE: "reviews",
    MELTEMI_CLUSTER_ID: "Kubernetes",
    MELTEMI_MESH_ID: "unknown",
    MELTEMI_NAMESPACE: "shop",
    OTEL_RESOURCE_ATTRIBUTES: "service.name=reviews.shop",
    DD_SERVICE: "reviews.shop",
  });
  const said = traceEnvironment(node, {});
  for (const variable of Object.values(ISTIO_TRACE_TAGS)) assert.ok(said[variable] !== undefined, variable);
});

test("labels of Istio's own come first, and a pod without any is unknown", () => {
  const labels = {
    ...{ app: "a", version: "b", "service.istio.io/canonical-name": "c" },
    "service.istio.io/canonical-revision": "d",
  };
  const said = traceEnvironment({ cluster: "c.shop", metadata: { LABELS: labels } }, {});
  assert.deepEqual([said.MELTEMI_CANONICAL_SERVICE, said.MELTEMI_CANONICAL_REVISION], ["c", "d"]);
  const nobody = traceEnvironment({ cluster: "c.shop", metadata: {} }, {});
  assert.deepEqual([nobody.MELTEMI_CANONICAL_SERVICE, nobody.MELTEMI_NAMESPACE], ["unknown", "default"]);
});

test("what the pod says of its own resource stands over what we say", () => {
  const own = { OTEL_RESOURCE_ATTRIBUTES: "service.name=mine,team=a", DD_SERVICE: "mine" };
  const said = traceEnvironment(node, own);
  assert.equal(said.OTEL_RESOURCE_ATTRIBUTES, "service.name=reviews.shop,service.name=mine,team=a");
  assert.equal(said.DD_SERVICE, "mine");
});
