import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readNow } from "../../tests/support/mesh-fixture.ts";
import type { Labels } from "../core/label-selector.ts";
import { Graph } from "../graph/graph.ts";
import type { SourceTable } from "../graph/table.ts";
import { declareMeshSettings } from "./mesh-settings.ts";
import { declareSources } from "./sources.ts";
import {
  declareWorkloadPolicies,
  type PolicyChoice,
  type PolicyKind,
  type PolicyObject,
  policiesOf,
  rivalsOf,
} from "./workload-policies.ts";

interface TestPolicy extends PolicyObject {
  readonly choice: PolicyChoice;
}

const WEB = { app: "web" };
const CHOOSE_WEB: PolicyChoice = { labels: WEB };
const GATEWAY: PolicyChoice = {
  targets: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "edge" }],
};

describe("policiesOf()", () => {
  test("tells those of the mesh, of the namespace and of the workload apart, each oldest first", () => {
    const mesh = policiesIn("every namespace", [
      policy("istio-system", "root", {}),
      policy("shop", "young", {}, 2),
      policy("shop", "old", {}, 1),
      policy("shop", "web-young", CHOOSE_WEB, 2),
      policy("shop", "web-old", CHOOSE_WEB, 1),
      policy("shop", "other", { labels: { app: "api" } }),
      policy("elsewhere", "web", CHOOSE_WEB),
    ]);
    assert.deepEqual(mesh.of("shop", { ...WEB, version: "v1" }), {
      mesh: ["root"],
      namespace: ["old", "young"],
      workload: ["web-old", "web-young"],
    });
  });

  test("takes labels of the root namespace for every namespace where the kind says so", () => {
    const policies = [policy("istio-system", "root-web", CHOOSE_WEB), policy("shop", "web", CHOOSE_WEB)];
    const every = policiesIn("every namespace", policies);
    assert.deepEqual(every.of("shop", WEB).workload, ["web", "root-web"]);
    const own = policiesIn("its own namespace", policies);
    assert.deepEqual(own.of("shop", WEB).workload, ["web"]);
    for (const mesh of [every, own])
      assert.deepEqual(mesh.of("istio-system", WEB), { mesh: [], namespace: [], workload: ["root-web"] });
  });

  test("takes an empty choice for none", () => {
    const mesh = policiesIn("every namespace", [policy("shop", "all", { labels: {}, targets: [] })]);
    assert.deepEqual(mesh.of("shop", {}), { mesh: [], namespace: ["all"], workload: [] });
  });

  test("finds a targeted Gateway's proxies in the policy's own namespace alone", () => {
    const mesh = policiesIn("every namespace", [
      policy("edge", "gateway", GATEWAY),
      policy("istio-system", "root-gateway", GATEWAY),
      policy("edge", "service", { targets: [{ kind: "Service", name: "edge" }] }),
    ]);
    const labels = { "gateway.networking.k8s.io/gateway-name": "edge" };
    assert.deepEqual(mesh.of("edge", labels).workload, ["gateway"]);
    assert.deepEqual(mesh.of("edge", { app: "edge" }), { mesh: [], namespace: [], workload: [] });
  });

  test("follows policies that come and go", () => {
    const mesh = policiesIn("every namespace", [policy("shop", "web", CHOOSE_WEB)]);
    mesh.remove("shop", "web");
    assert.deepEqual(mesh.of("shop", WEB).workload, []);
  });
});

test("rivalsOf() finds policies of one namespace that choose alike", () => {
  const web = policy("shop", "b", CHOOSE_WEB, 1);
  const mesh = policiesIn("every namespace", [
    policy("shop", "a", { labels: { ...WEB } }, 2),
    web,
    policy("shop", "c", { labels: { ...WEB, version: "v1" } }),
    policy("shop", "d", {}),
    policy("elsewhere", "e", CHOOSE_WEB),
  ]);
  assert.deepEqual(mesh.rivals(web), ["b", "a"]);
});

function policiesIn(
  rootLabelsChooseFrom: PolicyKind<TestPolicy>["rootLabelsChooseFrom"],
  objects: readonly TestPolicy[],
) {
  const graph = new Graph();
  const settings = declareMeshSettings(graph, declareSources(graph));
  const table: SourceTable<TestPolicy> = graph.source("TestPolicy");
  const policies = declareWorkloadPolicies(graph, settings, {
    name: "TestPolicy",
    table,
    choiceOf: ({ choice }) => choice,
    rootLabelsChooseFrom,
  });
  graph.commit((transaction) => {
    for (const object of objects)
      transaction.set(table, `${object.metadata.namespace}/${object.metadata.name}`, object);
  });
  const names = (found: readonly TestPolicy[]) => found.map(({ metadata }) => metadata.name);
  return {
    of(namespace: string, labels: Labels) {
      const { mesh, namespace: own, workload } = policiesOf(readNow, policies, { namespace, labels });
      return { mesh: names(mesh), namespace: names(own), workload: names(workload) };
    },
    rivals: (object: TestPolicy) => names(rivalsOf(readNow, policies, object)),
    remove(namespace: string, name: string) {
      graph.commit((transaction) => transaction.delete(table, `${namespace}/${name}`));
    },
  };
}

function policy(namespace: string, name: string, choice: PolicyChoice, day = 1): TestPolicy {
  const creationTimestamp = `2026-01-0${day}T00:00:00Z`;
  return { apiVersion: "v1", kind: "TestPolicy", metadata: { namespace, name, creationTimestamp }, choice };
}
