import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { systemClock } from "../core/clock.ts";
import { createApiClient } from "../kubernetes/api-client.ts";
import { TestApiServer } from "../kubernetes/test-api-server.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { moveNamespace } from "./move-namespace.ts";

const INJECTORS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
const NAMESPACES = "/api/v1/namespaces";
const CONFIG_MAPS = "/api/v1/configmaps";
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

async function start(t: TestContext) {
  const server = new TestApiServer();
  await server.start();
  server.define(NAMESPACES, INJECTORS, CONFIG_MAPS);
  const written: string[] = [];
  server.intercept = ({ method, path }) => {
    if (method !== "GET") written.push(`${method} ${path}`);
    return undefined;
  };
  const client = createApiClient(server.endpoint(), { clock: systemClock, userAgent: "test" });
  t.after(async () => {
    client.close();
    await server.stop();
  });
  const { signal } = new AbortController();
  const access: ClusterAccess = { client, clock: systemClock, signal, onProgress: () => undefined };
  return { access, server, written };
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
