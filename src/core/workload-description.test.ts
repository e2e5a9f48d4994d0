import assert from "node:assert/strict";
import { test } from "node:test";
import {
  describeWorkload,
  formatDescription,
  formatEndpointDescription,
  parseDescription,
} from "./workload-description.ts";

const describe = (labels: Readonly<Record<string, string>>) =>
  describeWorkload({ workloadName: "reviews-v1", namespace: "shop", labels });

test("describeWorkload() finds canonical names by Istio's label, Kubernetes' own, then app and version", () => {
  const all = {
    "service.istio.io/canonical-name": "opinions",
    "service.istio.io/canonical-revision": "7",
    "app.kubernetes.io/name": "critics",
    "app.kubernetes.io/version": "6",
    app: "reviews",
    version: "v1",
  };
  const { canonicalService, canonicalRevision, app, version } = describe(all);
  assert.deepEqual([canonicalService, canonicalRevision, app, version], ["opinions", "7", "reviews", "v1"]);
  const recommended = describe({
    ...all,
    ...unset("service.istio.io/canonical-name", "service.istio.io/canonical-revision"),
  });
  assert.deepEqual([recommended.canonicalService, recommended.canonicalRevision], ["critics", "6"]);
  const simple = describe({ app: "reviews", version: "v1" });
  assert.deepEqual([simple.canonicalService, simple.canonicalRevision], ["reviews", "v1"]);
  const none = describe({});
  assert.deepEqual([none.canonicalService, none.canonicalRevision, none.app], ["reviews-v1", "latest", ""]);
});

function unset(...keys: readonly string[]) {
  return Object.fromEntries(keys.map((key) => [key, ""]));
}

test("parseDescription() reads both forms, and nothing else", () => {
  const described = describe({ app: "reviews", version: "v1" });
  assert.deepEqual(parseDescription(formatDescription(described), ":"), described);
  const ofEndpoint = formatEndpointDescription(described);
  assert.equal(ofEndpoint, "reviews-v1;shop;reviews;v1;Kubernetes");
  assert.deepEqual(parseDescription(ofEndpoint, ";"), { ...described, app: "", version: "" });
  for (const text of ["", "a;b", "a;b;c;d;e;f", "a;b;c;d;e;f;g;h"])
    assert.equal(parseDescription(text, ";"), undefined);
});
