import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { TestApiServer, type TestObject } from "../../../tests/support/api-server.ts";
import { ManualClock } from "../../core/clock.ts";
import { silentLogger } from "../../core/logger.ts";
import { type ObjectKey, parseObjectKey } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import type { KubernetesObject } from "../../kinds/define-kind.ts";
import { createApiClient } from "../../kubernetes/api-client.ts";
import { resourceOfKind, resourcePath } from "../../kubernetes/api-resource.ts";
import { type WatchKubernetesOptions, watchKubernetes } from "./watch-kubernetes.ts";
import { watchedKinds } from "./watched-kinds.ts";

const PODS = "/api/v1/pods";
const SERVICES = "/api/v1/services";
const NAMESPACES = "/api/v1/namespaces";
const SECRETS = "/api/v1/secrets";
const CONFIG_MAPS = "/api/v1/configmaps";
const GATEWAYS = "/apis/networking.istio.io/v1/gateways";
const VIRTUAL_SERVICES = "/apis/networking.istio.io/v1/virtualservices";

/** A server that knows all kinds, a watch of it, and what the watch has told. */
async function follow(
  t: TestContext,
  options: Partial<WatchKubernetesOptions> & { server?: TestApiServer } = {},
) {
  const server = options.server ?? (await startServer(t));
  const clock = new ManualClock(1_000_000);
  const client = createApiClient(server.endpoint(), { clock, userAgent: "test" });
  const stop = new AbortController();
  t.after(() => stop.abort());
  const objects = new Map<ObjectKey, KubernetesObject>();
  const problems = new Map<ObjectKey, readonly Problem[]>();
  const told: string[] = [];
  const state = { syncCount: 0 };
  watchKubernetes({
    client,
    clock,
    random: () => 0.5,
    log: silentLogger,
    signal: stop.signal,
    systemNamespace: "meltemi-system",
    ...options,
    onSync: (entries) => {
      state.syncCount++;
      for (const { key, object } of entries) objects.set(key, object);
    },
    onChange: ({ upserts, deletes }) => {
      for (const { key, object } of upserts) objects.set(key, object);
      for (const key of deletes) objects.delete(key);
      told.push(...upserts.map(({ key }) => `+${key}`), ...deletes.map((key) => `-${key}`));
    },
    onProblems: (key, found) => {
      if (found.length === 0) problems.delete(key);
      else problems.set(key, found);
    },
  });
  /** The clock moves a little at each look, so that back-offs pass. */
  const until = (isTrue: () => boolean, { stepMs = 50 } = {}) =>
    waitUntil(isTrue, () => clock.advance(stepMs));
  return { server, clock, objects, problems, told, state, until };
}

async function startServer(t: TestContext): Promise<TestApiServer> {
  const server = new TestApiServer();
  await server.start();
  t.after(() => server.stop());
  server.define(...watchedKinds.map((kind) => resourcePath(resourceOfKind(kind))), SECRETS, CONFIG_MAPS);
  return server;
}

async function waitUntil(isTrue: () => boolean, onLook: () => void): Promise<void> {
  for (const end = Date.now() + 20_000; !isTrue(); ) {
    if (Date.now() > end) throw new Error(`Never came true: ${isTrue}`);
    await new Promise((resolve) => setImmediate(resolve));
    onLook();
  }
}

function pod(namespace: string, name: string, more: Readonly<Record<string, unknown>> = {}): TestObject {
  const { labels = { app: "web" }, podIP = "10.0.0.1" } = more;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels, managedFields: [{ manager: "kubelet" }] },
    spec: { containers: [{ name: "web", image: "web:1", env: [{ name: "A", value: "b" }] }] },
    status: { phase: "Running", podIP, startTime: more.startTime },
  };
}

function virtualService(name: string, labels: Readonly<Record<string, string>> = {}): TestObject {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name, namespace: "shop", labels, generation: 3, uid: "u" },
    spec: { hosts: ["reviews"], http: [{ route: [{ destination: { host: "reviews" } }] }] },
    status: { observedGeneration: 2 },
  };
}

const meshConfigMap = (mesh: string): TestObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "meltemi", namespace: "meltemi-system" },
  data: { mesh },
});

const namespaceObject = (name: string, labels: Readonly<Record<string, string>> = {}): TestObject => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, labels },
});

const keyOf = (text: string) => text as ObjectKey;

test("watchKubernetes() tells everything at once, with the fields that are read", async (t) => {
  const server = await startServer(t);
  const args = ["proxy", "router"];
  const made = pod("shop", "web-1");
  server.put(PODS, {
    ...made,
    metadata: { ...made.metadata, uid: "u-1" },
    spec: { ...(made.spec as object), initContainers: [{ name: "istio-proxy", image: "proxy:1", args }] },
  });
  const { objects, state, until } = await follow(t, { server });
  await until(() => state.syncCount === 1);
  assert.deepEqual(objects.get(keyOf("Pod/shop/web-1")), {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web-1", namespace: "shop", uid: "u-1", labels: { app: "web" } },
    spec: {
      containers: [{ name: "web", image: "web:1" }],
      initContainers: [{ name: "istio-proxy", image: "proxy:1", args }],
    },
    status: { phase: "Running", podIP: "10.0.0.1" },
  });
});

test("watchKubernetes() lists large collections in pages", async (t) => {
  const server = await startServer(t);
  for (let index = 0; index < 1_100; index++) server.put(PODS, pod("shop", `web-${index}`));
  const { objects, state, until } = await follow(t, { server });
  await until(() => state.syncCount === 1);
  assert.equal(objects.size, 1_100);
  const pages = server.requests.filter(({ path, query }) => path === PODS && query.has("limit"));
  assert.equal(pages.length, 3);
});

test("watchKubernetes() tells changes, and not those of fields that nobody reads", async (t) => {
  const server = await startServer(t);
  server.put(PODS, pod("shop", "web-1"));
  const { told, state, until } = await follow(t, { server });
  await until(() => state.syncCount === 1);
  server.put(PODS, pod("shop", "web-1", { startTime: "later" }));
  server.put(PODS, pod("shop", "web-2"));
  server.delete(PODS, { namespace: "shop", name: "web-1" });
  await until(() => told.length === 2);
  assert.deepEqual(told, ["+Pod/shop/web-2", "-Pod/shop/web-1"]);
});

test("watchKubernetes() goes on where it was after connections broke, and tells nothing twice", async (t) => {
  const { server, told, objects, state, until } = await follow(t);
  await until(() => state.syncCount === 1 && server.watchCount >= watchedKinds.length);
  server.put(PODS, pod("shop", "web-1"));
  await until(() => told.length === 1);
  await server.stop();
  server.put(PODS, pod("shop", "web-2"));
  server.delete(PODS, { namespace: "shop", name: "web-1" });
  const listsBefore = listCount(server);
  await server.start();
  await until(() => told.length === 3);
  assert.deepEqual([...objects.keys()], ["Pod/shop/web-2"]);
  assert.equal(listCount(server), listsBefore, "watches went on, nothing was listed anew");
  assert.equal(state.syncCount, 1);
});

function listCount(server: TestApiServer): number {
  return server.requests.filter(({ query }) => !query.has("watch")).length;
}

test("watchKubernetes() lists anew after 410, and tells only what differs", async (t) => {
  const server = await startServer(t);
  for (const name of ["stays", "goes", "changes"]) server.put(PODS, pod("shop", name));
  const { told, until } = await follow(t, { server });
  await until(() => server.watchCount >= watchedKinds.length);
  await server.stop();
  server.delete(PODS, { namespace: "shop", name: "goes" });
  server.put(PODS, pod("shop", "changes", { podIP: "10.0.0.9" }));
  server.put(PODS, pod("shop", "comes"));
  server.compact();
  await server.start();
  await until(() => told.length === 3);
  assert.deepEqual(told.sort(), ["+Pod/shop/changes", "+Pod/shop/comes", "-Pod/shop/goes"]);
});

test("watchKubernetes() lists anew when a watch ends with an error of 410", async (t) => {
  const { server, told, state, until } = await follow(t);
  await until(() => state.syncCount === 1 && server.watchCount >= watchedKinds.length);
  const before = listCount(server);
  server.failWatches(410, "Expired");
  await until(() => listCount(server) - before >= watchedKinds.length);
  server.put(PODS, pod("shop", "web-1"));
  await until(() => told.length === 1);
});

test("watchKubernetes() lists anew where the server has forgotten versions that it gave", async (t) => {
  const server = await startServer(t);
  server.put(PODS, pod("shop", "old"));
  for (let index = 0; index < 50; index++) server.put(SERVICES, serviceObject(`s-${index}`));
  const { told, objects, until } = await follow(t, { server });
  await until(() => server.watchCount >= watchedKinds.length);
  await server.stop();
  const restored = new TestApiServer();
  restored.define(...watchedKinds.map((kind) => resourcePath(resourceOfKind(kind))), SECRETS, CONFIG_MAPS);
  restored.put(PODS, pod("shop", "new"));
  await restored.startOn(server);
  t.after(() => restored.stop());
  await until(() => told.includes("+Pod/shop/new") && objects.size === 1);
  assert.deepEqual([...objects.keys()], ["Pod/shop/new"]);
});

function serviceObject(name: string): TestObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "shop" },
    spec: { clusterIP: "10.96.0.1", ports: [{ port: 80 }] },
  };
}

test("watchKubernetes() goes on from a bookmark", async (t) => {
  const { server, state, until, told } = await follow(t);
  await until(() => state.syncCount === 1 && server.watchCount >= watchedKinds.length);
  server.put(SERVICES, serviceObject("reviews"));
  await until(() => told.length === 1);
  // Nobody watches from before the bookmark any more, though most watches have seen no event of their own.
  server.put(SERVICES, serviceObject("ratings"));
  server.compact();
  server.bookmark();
  await until(() => told.length === 2);
  server.put(PODS, pod("shop", "web-1"));
  await until(() => told.length === 3);
  const before = listCount(server);
  server.dropConnections();
  await until(() => server.watchCount >= watchedKinds.length);
  assert.equal(listCount(server), before);
});

test("watchKubernetes() gives up a watch that stays silent", async (t) => {
  const { server, state, clock, until } = await follow(t, { silenceMs: 90_000 });
  await until(() => state.syncCount === 1 && server.watchCount >= watchedKinds.length);
  const watchesBefore = watchRequestCount(server);
  clock.advance(91_000);
  await until(() => watchRequestCount(server) >= watchesBefore + watchedKinds.length);
});

function watchRequestCount(server: TestApiServer): number {
  return server.requests.filter(({ query }) => query.has("watch")).length;
}

test("watchKubernetes() waits longer and longer for a server that fails", async (t) => {
  const { server, clock, until } = await follow(t);
  const collectionCount = watchedKinds.length + 2;
  await until(() => server.watchCount === collectionCount);
  server.intercept = () => ({ status: 500 });
  server.dropConnections();
  const countsByMinute: number[] = [];
  for (let minute = 0; minute < 3; minute++) {
    const countBefore = server.requests.length;
    for (let step = 0; step < 120; step++) {
      clock.advance(500);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    countsByMinute.push((server.requests.length - countBefore) / collectionCount);
  }
  const [first = 0, ...later] = countsByMinute;
  assert.ok(first <= 10 && later.every((count) => count > 0 && count <= 7), countsByMinute.join(" "));
  server.intercept = () => undefined;
  await until(() => server.watchCount >= watchedKinds.length);
});

test("watchKubernetes() takes a kind that is not installed as empty, and finds it later", async (t) => {
  const server = await startServer(t);
  server.intercept = ({ path }) => (path === VIRTUAL_SERVICES ? { status: 404 } : undefined);
  const { state, told, until } = await follow(t, { server });
  await until(() => state.syncCount === 1);
  server.put(VIRTUAL_SERVICES, virtualService("reviews"));
  server.intercept = () => undefined;
  await until(() => told.length === 1, { stepMs: 1_000 });
  assert.deepEqual(told, ["+VirtualService/shop/reviews"]);
});

test("watchKubernetes() leaves out an object with errors and says what is wrong", async (t) => {
  const { server, state, told, problems, objects, until } = await follow(t);
  await until(() => state.syncCount === 1 && server.watchCount >= watchedKinds.length);
  server.put(VIRTUAL_SERVICES, virtualService("reviews"));
  await until(() => told.length === 1);
  const object = objects.get(keyOf("VirtualService/shop/reviews"));
  assert.equal(object?.status, undefined);
  assert.deepEqual(object?.metadata, {
    name: "reviews",
    namespace: "shop",
    labels: {},
    generation: 3,
    uid: "u",
  });
  server.put(VIRTUAL_SERVICES, { ...virtualService("reviews"), spec: { hosts: "reviews" } });
  await until(() => told.length === 2);
  assert.equal(told[1], "-VirtualService/shop/reviews");
  assert.equal(problems.get(keyOf("VirtualService/shop/reviews"))?.[0]?.severity, "error");
  server.delete(VIRTUAL_SERVICES, { namespace: "shop", name: "reviews" });
  await until(() => problems.size === 0);
});

const POLICIES = "/apis/security.istio.io/v1/authorizationpolicies";

function policy(action: string, uid = "u"): TestObject {
  return {
    apiVersion: "security.istio.io/v1",
    kind: "AuthorizationPolicy",
    metadata: { name: "web", namespace: "shop", uid },
    spec: { selector: { matchLabels: { app: "web" } }, action },
  };
}

test("watchKubernetes() keeps the last good version of a policy, and closes where none is known", async (t) => {
  const { server, state, problems, objects, until } = await follow(t);
  await until(() => state.syncCount === 1 && server.watchCount >= watchedKinds.length);
  const key = keyOf("AuthorizationPolicy/shop/web");
  const codes = () =>
    problems
      .get(key)
      ?.map(({ code }) => code)
      .join();
  const inForce = () => objects.get(key) as { spec?: { action?: string }; isRefused?: true } | undefined;
  server.put(POLICIES, policy("DENIED"));
  await until(() => codes() === "MLT1005");
  assert.equal(inForce()?.isRefused, true);
  server.put(POLICIES, policy("ALLOW"));
  await until(() => problems.size === 0);
  assert.deepEqual([inForce()?.isRefused, inForce()?.spec?.action], [undefined, "ALLOW"]);
  server.put(POLICIES, policy("DENIED"));
  await until(() => codes() === "MLT1005,MLT1012");
  assert.deepEqual([inForce()?.isRefused, inForce()?.spec?.action], [undefined, "ALLOW"]);
  server.put(POLICIES, policy("DENIED", "another object of the name"));
  await until(() => codes() === "MLT1005");
  assert.equal(inForce()?.isRefused, true);
  server.delete(POLICIES, { namespace: "shop", name: "web" });
  await until(() => objects.size === 0);
});

const TAGS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";

const tagOf = (
  revision: string,
  { tag = "prod", ...more }: Readonly<Record<string, string>> = installed,
) => ({
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "MutatingWebhookConfiguration",
  metadata: { name: `tag-${tag}`, labels: { "istio.io/tag": tag, "istio.io/rev": revision, ...more } },
});
const installed = { "install.meltemi.dev/installation": "meltemi" };

test("watchKubernetes() takes objects of its own revision, its tags and those of all", async (t) => {
  const server = await startServer(t);
  for (const revision of ["canary", "stable", "prod"]) {
    server.put(VIRTUAL_SERVICES, virtualService(`of-${revision}`, { "istio.io/rev": revision }));
  }
  server.put(VIRTUAL_SERVICES, virtualService("of-all"));
  server.define(TAGS);
  server.put(TAGS, tagOf("canary"));
  // Of another mesh, whose revision has the same name.
  server.put(TAGS, tagOf("canary", { tag: "stable" }));
  const { state, objects, until } = await follow(t, { server, revision: "canary" });
  await until(() => state.syncCount === 1);
  const names = () => [...objects.keys()].map((key) => parseObjectKey(key).name).sort();
  assert.deepEqual(names(), ["of-all", "of-canary", "of-prod"]);
  server.delete(TAGS, { name: "tag-prod" });
  await until(() => names().join() === "of-all,of-canary");
  server.put(TAGS, tagOf("canary"));
  await until(() => names().join() === "of-all,of-canary,of-prod");
});

test("watchKubernetes() reads the mesh's configuration, and keeps the last good one", async (t) => {
  const server = await startServer(t);
  server.put(CONFIG_MAPS, meshConfigMap("trustDomain: example.org"));
  const { state, objects, problems, until } = await follow(t, { server });
  await until(() => state.syncCount === 1);
  const trustDomain = () =>
    (objects.get(keyOf("MeshConfig//mesh")) as { spec?: { trustDomain?: string } })?.spec?.trustDomain;
  assert.equal(trustDomain(), "example.org");
  server.put(CONFIG_MAPS, meshConfigMap("trustDomain: ["));
  await until(() => problems.size === 1);
  assert.equal(trustDomain(), "example.org");
  server.put(CONFIG_MAPS, meshConfigMap("trustDomain: new.org"));
  await until(() => trustDomain() === "new.org");
  assert.equal(problems.size, 0);
  server.delete(CONFIG_MAPS, { namespace: "meltemi-system", name: "meltemi" });
  await until(() => objects.size === 0);
});

test("watchKubernetes() doesn't begin with a mesh configuration that it can't read", async (t) => {
  const server = await startServer(t);
  server.put(CONFIG_MAPS, meshConfigMap("trustDomain: ["));
  const { state, problems, until } = await follow(t, { server });
  await until(() => problems.size === 1 && server.watchCount >= watchedKinds.length);
  assert.equal(state.syncCount, 0);
  server.put(CONFIG_MAPS, meshConfigMap("trustDomain: good.org"));
  await until(() => state.syncCount === 1);
});

test("watchKubernetes() takes objects from namespaces that discoverySelectors choose", async (t) => {
  const server = await startServer(t);
  server.put(CONFIG_MAPS, meshConfigMap("discoverySelectors: [{matchLabels: {mesh: 'on'}}]"));
  server.put(NAMESPACES, namespaceObject("shop", { mesh: "on" }));
  server.put(NAMESPACES, namespaceObject("other"));
  for (const namespace of ["shop", "other", "meltemi-system"]) server.put(PODS, pod(namespace, "web"));
  const { state, objects, told, until } = await follow(t, { server });
  await until(() => state.syncCount === 1);
  const pods = () => [...objects.keys()].filter((key) => key.startsWith("Pod/")).sort();
  assert.deepEqual(pods(), ["Pod/meltemi-system/web", "Pod/shop/web"]);
  server.put(NAMESPACES, namespaceObject("other", { mesh: "on" }));
  server.put(NAMESPACES, namespaceObject("shop"));
  await until(() => told.includes("-Pod/shop/web") && told.includes("+Pod/other/web"));
  assert.deepEqual(pods(), ["Pod/meltemi-system/web", "Pod/other/web"]);
  server.put(CONFIG_MAPS, meshConfigMap("{}"));
  await until(() => pods().length === 3);
});

function gateway(credentialName: string, mode = "SIMPLE"): TestObject {
  const tls = { mode, credentialName };
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "Gateway",
    metadata: { name: "web", namespace: "shop" },
    spec: {
      selector: { istio: "ingressgateway" },
      servers: [{ hosts: ["*"], port: { number: 443, name: "https", protocol: "HTTPS" }, tls }],
    },
  };
}

const secret = (namespace: string, name: string): TestObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace },
  type: "kubernetes.io/tls",
  data: { "tls.crt": "YQ==", "tls.key": "Yg==" },
});

test("watchKubernetes() asks for the Secrets that gateways name, and for no other", async (t) => {
  const server = await startServer(t);
  server.put(GATEWAYS, gateway("web-cert"));
  server.put(PODS, pod("ingress", "gateway-1", { labels: { istio: "ingressgateway" } }));
  for (const name of ["web-cert", "next-cert", "token"]) server.put(SECRETS, secret("ingress", name));
  const { state, objects, told, until } = await follow(t, { server });
  await until(() => state.syncCount === 1);
  const secrets = () => [...objects.keys()].filter((key) => key.startsWith("Secret/")).sort();
  assert.deepEqual(secrets(), ["Secret/ingress/web-cert"]);
  server.put(GATEWAYS, gateway("next-cert", "MUTUAL"));
  await until(() => told.includes("+Secret/ingress/next-cert"));
  assert.deepEqual(secrets(), ["Secret/ingress/next-cert"]);
  server.put(SECRETS, secret("ingress", "next-cert-cacert"));
  await until(() => secrets().length === 2);
  const asked = server.requests.filter(({ path }) => path.endsWith("/secrets"));
  const selectors = new Set(asked.map(({ path, query }) => `${path} ${query.get("fieldSelector")}`));
  assert.ok(![...selectors].some((text) => text.endsWith("null") || text.includes("token")));
});

test("watchKubernetes() tells injection's configuration, and which ConfigMap's comes first", async (t) => {
  const server = await startServer(t);
  const configs: (string | undefined)[] = [];
  const { until, state } = await follow(t, {
    server,
    onInjectionConfig: (configMap) => configs.push(configMap?.data?.config),
  });
  await until(() => state.syncCount === 1);
  const put = (name: string, config: string) =>
    server.put(CONFIG_MAPS, {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name, namespace: "meltemi-system" },
      data: { config },
    });
  put("istio-sidecar-injector", "policy: enabled");
  await until(() => configs.at(-1) === "policy: enabled");
  put("meltemi-sidecar-injector", "policy: disabled");
  await until(() => configs.at(-1) === "policy: disabled");
  server.delete(CONFIG_MAPS, { namespace: "meltemi-system", name: "meltemi-sidecar-injector" });
  await until(() => configs.at(-1) === "policy: enabled");
});
