import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { startTestApi } from "../../tests/support/api-client.ts";
import { systemClock } from "../core/clock.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { moveNamespace } from "./move-namespace.ts";

const INJECTORS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
const NAMESPACES = "/api/v1/namespaces";
const CONFIG_MAPS = "/api/v1/configmaps";
const [DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS] = ["deployments", "statefulsets", "daemonsets"].map(
  (plural) => `/apis/apps/v1/${plural}`,
) as [string, string, string];
const PODS = "/api/v1/pods";
const certificate = (text: string) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;
const [ISTIO, OWN] = [certificate("aXN0aW8="), certificate("b3du")];

test("moveNamespace() begins only where there is a namespace, and somebody to take it", async (t) => {
  const { access, server } = await start(t);
  const to = "meltemi";
  assert.match(await refusal(access, { to }), /there is no namespace "shop"/);
  server.put(NAMESPACES, namespace({}));
  assert.match(await refusal(access, { to }), /nobody injects the pods of revision "meltemi"/);
  assert.match(await refusal(access, {}), /there is no back/);
});

test("moveNamespace() refuses where the roots of both meshes differ, and changes nothing", async (t) => {
  const { access, server, written } = await start(t);
  server.put(NAMESPACES, namespace({ "istio-injection": "enabled" }));
  server.put(INJECTORS, injector("istio", { "istio-injection": "enabled" }, ISTIO));
  server.put(INJECTORS, injector("meltemi", { "istio.io/rev": "meltemi" }, OWN));
  const message = await refusal(access, { to: "meltemi" });
  assert.match(message, /roots differ: the control plane of "default"/);
  server.put(CONFIG_MAPS, rootConfigMap(ISTIO));
  assert.match(await refusal(access, { to: "meltemi" }), /and ConfigMap istio-ca-root-cert/);
  server.put(INJECTORS, injector("istio", { "istio-injection": "enabled" }, ISTIO + OWN));
  assert.doesNotMatch(await refusal(access, { to: "meltemi" }), /control plane of "default"/);
  assert.deepEqual(written, []);
});

test("moveNamespace() rolls over StatefulSets too, names the pods that stay, and finds the way back", async (t) => {
  const { access, server, told } = await start(t);
  server.put(NAMESPACES, namespace({ "istio-injection": "enabled" }));
  for (const name of ["istio", "meltemi"]) {
    const labels = name === "istio" ? { "istio-injection": "enabled" } : { "istio.io/rev": "meltemi" };
    server.put(INJECTORS, injector(name, labels, OWN));
  }
  server.put(STATEFUL_SETS, workload("db"));
  server.put(DAEMON_SETS, workload("agent", { updateStrategy: { type: "OnDelete" } }));
  server.put(PODS, pod("report-x1", { kind: "Job", name: "report" }));
  server.put(PODS, pod("by-hand"));
  server.put(PODS, pod("agent-x2", { kind: "DaemonSet", name: "agent" }));
  assert.deepEqual(await moved(access, { to: "meltemi" }), {
    kind: "moved",
    to: "meltemi",
    workloadCount: 1,
  });
  assert.deepEqual(told.slice(1), [
    "StatefulSet db: moved",
    "Job report: its pods keep the sidecar that they have until they end",
    "Pod by-hand: it was made by hand, and keeps the sidecar that it has until it is made anew",
    "DaemonSet agent: its pods keep the sidecar that they have until they are deleted",
  ]);
  assert.deepEqual(await moved(access, {}), { kind: "moved", to: "default", workloadCount: 1 });
});

function moved(access: ClusterAccess, { to }: { readonly to?: string }) {
  return moveNamespace(access, { namespace: "shop", timeoutMs: 0, ...(to && { to }) });
}

function workload(name: string, spec: object = {}) {
  const status = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 };
  const metadata = { name, namespace: "shop", generation: 1 };
  const selector = { matchLabels: { app: name } };
  return { apiVersion: "apps/v1", kind: "", metadata, spec: { replicas: 1, selector, ...spec }, status };
}

function pod(name: string, owner?: { readonly kind: string; readonly name: string }) {
  const reference = { apiVersion: "v1", uid: "u", controller: true, ...owner };
  const metadata = { name, namespace: "shop", uid: name, ...(owner && { ownerReferences: [reference] }) };
  return { apiVersion: "v1", kind: "Pod", metadata, status: { phase: "Running" } };
}

async function start(t: TestContext) {
  const { server, client } = await startTestApi(t);
  server.define(NAMESPACES, INJECTORS, CONFIG_MAPS, DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS, PODS);
  const told: string[] = [];
  const written: string[] = [];
  server.intercept = ({ method, path }) => {
    if (method !== "GET") written.push(`${method} ${path}`);
    return undefined;
  };
  const { signal } = new AbortController();
  const access: ClusterAccess = {
    client,
    clock: systemClock,
    signal,
    onProgress: (line) => void told.push(line),
  };
  return { access, server, told, written };
}

async function refusal(access: ClusterAccess, { to }: { readonly to?: string }): Promise<string> {
  const verdict = await moveNamespace(access, { namespace: "shop", timeoutMs: 0, ...(to && { to }) });
  assert.ok(verdict.kind === "fault");
  return verdict.message;
}

function namespace(labels: Readonly<Record<string, string>>) {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop", labels } };
}

function injector(name: string, matchLabels: Readonly<Record<string, string>>, roots: string) {
  const caBundle = Buffer.from(roots).toString("base64");
  const webhooks = [{ name: "a.io", clientConfig: { caBundle }, namespaceSelector: { matchLabels } }];
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: { name },
    webhooks,
  };
}

function rootConfigMap(roots: string) {
  const metadata = { name: "istio-ca-root-cert", namespace: "shop" };
  return { apiVersion: "v1", kind: "ConfigMap", metadata, data: { "root-cert.pem": roots } };
}
