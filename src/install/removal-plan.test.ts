import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { startTestApi } from "../../tests/support/api-client.ts";
import type { TestApiServer, TestObject } from "../../tests/support/api-server.ts";
import { systemClock } from "../core/clock.ts";
import { profileSettings } from "./install-settings.ts";
import { planRemoval } from "./removal-plan.ts";

const BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";
const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const [DEPLOYMENTS, NAMESPACES, PODS] = ["/apis/apps/v1/deployments", "/api/v1/namespaces", "/api/v1/pods"];
const INJECTORS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
const VIRTUAL_SERVICES = "/apis/networking.istio.io/v1/virtualservices";
const GATEWAYS = "/apis/networking.istio.io/v1/gateways";
const installed = { "install.meltemi.dev/installation": "meltemi" };

test("planRemoval() names the pods that depend on the revision, by where their proxies ask", async (t) => {
  const { plan, server } = await start(t);
  install(server, "default");
  install(server, "canary");
  server.put(PODS, pod("shop", "web-2", "meltemi.meltemi-system.svc:15012"));
  server.put(PODS, pod("shop", "web-1", "meltemi.meltemi-system.svc:15012"));
  server.put(PODS, pod("shop", "canary", "meltemi-canary.meltemi-system.svc:15012"));
  server.put(PODS, pod("shop", "istio", "istiod.istio-system.svc:15012"));
  server.put(
    PODS,
    pod("shop", "done", "meltemi.meltemi-system.svc:15012", { status: { phase: "Succeeded" } }),
  );
  server.put(PODS, pod("meltemi-ingress", "gateway", "meltemi.meltemi-system.svc:15012"));
  assert.deepEqual((await plan("default")).dependents, [
    { namespace: "meltemi-ingress", pods: ["gateway"] },
    { namespace: "shop", pods: ["web-1", "web-2"] },
  ]);
});

test("planRemoval() names the namespaces that ask for the revision, and that nobody else injects", async (t) => {
  const { plan, server } = await start(t);
  server.put(NAMESPACES, namespace("shop", { "istio-injection": "enabled" }));
  server.put(NAMESPACES, namespace("by-name", { "istio.io/rev": "default" }));
  server.put(NAMESPACES, namespace("canaries", { "istio.io/rev": "canary" }));
  const own = { ...installed, "istio.io/rev": "default" };
  server.put(INJECTORS, injector("own", own, { "istio-injection": "enabled" }));
  assert.deepEqual((await plan("default")).askingNamespaces, ["by-name", "shop"]);
  server.put(INJECTORS, injector("istio", {}, { "istio-injection": "enabled" }));
  assert.deepEqual((await plan("default")).askingNamespaces, ["by-name"]);
});

const namespace = (name: string, labels: object): TestObject => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, labels },
});

const injector = (name: string, labels: object, matchLabels: object): TestObject => ({
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "MutatingWebhookConfiguration",
  metadata: { name, labels },
  webhooks: [{ namespaceSelector: { matchLabels }, objectSelector: {} }],
});

test("planRemoval() of a purge counts definitions, objects of each kind, and namespaces", async (t) => {
  const { plan, server } = await start(t);
  install(server, "default");
  for (let index = 0; index < 50; index++)
    server.put(VIRTUAL_SERVICES, object("VirtualService", `v-${index}`));
  server.put(GATEWAYS, object("Gateway", "edge"));
  server.put(PODS, pod("meltemi-ingress", "gateway", "meltemi.meltemi-system.svc:15012"));
  const { dependents, purged } = await plan("default", { isPurge: true });
  assert.deepEqual(dependents, [], "the installer's own gateway goes too");
  assert.deepEqual(purged, {
    definitionCount: 2,
    objects: [
      { kind: "VirtualService", count: 50 },
      { kind: "Gateway", count: 1 },
    ],
    namespaces: ["meltemi-ingress", "meltemi-system"],
  });
});

test("planRemoval() of a purge takes nothing that another revision needs", async (t) => {
  const { plan, server } = await start(t);
  install(server, "default");
  install(server, "canary");
  assert.equal((await plan("canary", { isPurge: true })).purged, undefined);
});

async function start(t: TestContext) {
  const { server, client } = await startTestApi(t);
  server.define(BINDINGS, DEFINITIONS, DEPLOYMENTS, NAMESPACES, PODS, INJECTORS, VIRTUAL_SERVICES, GATEWAYS);
  for (const [kind, plural] of [
    ["VirtualService", "virtualservices"],
    ["Gateway", "gateways"],
  ] as const) {
    server.put(DEFINITIONS, {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: `${plural}.networking.istio.io`, labels: installed },
      spec: {
        group: "networking.istio.io",
        names: { kind, plural },
        versions: [{ name: "v1beta1" }, { name: "v1", storage: true }],
      },
    });
  }
  for (const name of ["meltemi-ingress", "meltemi-system"]) {
    server.put(NAMESPACES, { apiVersion: "v1", kind: "Namespace", metadata: { name, labels: installed } });
  }
  const signal = new AbortController().signal;
  const access = { client, clock: systemClock, signal, onProgress: () => undefined };
  const plan = (revision: string, { isPurge = false } = {}) =>
    planRemoval(access, { ...profileSettings("minimal", "1"), revision }, { isPurge });
  return { server, plan };
}

function install(server: TestApiServer, revision: string): void {
  const name = revision === "default" ? "meltemi" : `meltemi-${revision}`;
  const namespace = "meltemi-system";
  const labels = { ...installed, "app.kubernetes.io/name": "meltemi", "istio.io/rev": revision };
  server.put(DEPLOYMENTS, {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace, labels },
  });
  server.put(BINDINGS, {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: `${name}-control-plane`, labels },
    subjects: [{ kind: "ServiceAccount", name, namespace }],
  });
}

function object(kind: string, name: string): TestObject {
  return { apiVersion: "networking.istio.io/v1", kind, metadata: { name, namespace: "shop" } };
}

function pod(namespace: string, name: string, address: string, more: object = {}): TestObject {
  const proxy = { name: "istio-proxy", env: [{ name: "CA_ADDR", value: address }] };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace },
    spec: { containers: [{ name: "app" }], initContainers: [proxy] },
    status: { phase: "Running" },
    ...more,
  };
}
