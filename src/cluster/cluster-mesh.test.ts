import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { TestObject } from "../../tests/support/api-server.ts";
import { TestApiServer } from "../../tests/support/api-server.ts";
import { systemClock } from "../core/clock.ts";
import { configMapKind } from "../kinds/config-map.ts";
import { meshConfigKind } from "../kinds/mesh-config/mesh-config.ts";
import { podKind } from "../kinds/pod/pod.ts";
import { virtualServiceKind } from "../kinds/virtual-service/virtual-service.ts";
import { createApiClient } from "../kubernetes/api-client.ts";
import { createClusterMesh } from "./cluster-mesh.ts";

const PODS = "/api/v1/pods";
const BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";

async function meshOf(t: TestContext, server = new TestApiServer()) {
  await server.start();
  const client = createApiClient(server.endpoint(), { clock: systemClock, userAgent: "test" });
  const mesh = createClusterMesh({
    client,
    clock: systemClock,
    signal: new AbortController().signal,
    controlPlanes: { usualNamespace: "mesh", labelSelector: "app=plane", revisionLabel: "istio.io/rev" },
    takeTerminal: () => assert.fail("nothing runs on the terminal"),
  });
  t.after(async () => {
    mesh.close();
    await server.stop();
  });
  server.define(PODS, BINDINGS);
  return { mesh, server };
}

const podNamed = (name: string, namespace: string, more: object = {}): TestObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace, managedFields: [{ manager: "kubelet" }] },
  spec: { containers: [{ name: "app" }] },
  ...more,
});

test("createClusterMesh().pods() are all pages of a namespace or of all", async (t) => {
  const { mesh, server } = await meshOf(t);
  for (let count = 0; count < 501; count += 1) server.put(PODS, podNamed(`web-${count}`, "shop"));
  server.put(PODS, podNamed("other", "elsewhere"));
  assert.equal((await mesh.pods()).length, 502);
  assert.equal((await mesh.pods("shop")).length, 501);
});

test("createClusterMesh().objects() are whole, without bookkeeping", async (t) => {
  const { mesh, server } = await meshOf(t);
  const { resourceVersion } = server.put(PODS, podNamed("web", "shop")).metadata;
  assert.deepEqual(await mesh.objects(podKind), [
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "web", namespace: "shop", resourceVersion },
      spec: { containers: [{ name: "app" }] },
    },
  ]);
});

test("createClusterMesh().objects() says what a cluster doesn't know", async (t) => {
  const { mesh } = await meshOf(t);
  await assert.rejects(mesh.objects(virtualServiceKind), {
    name: "ClusterRefusal",
    message: "The cluster doesn't know virtualservices of networking.istio.io/v1",
    hint: "meltemi install brings their definitions",
  });
  await assert.rejects(mesh.objects(meshConfigKind), { hint: "meltemi get configmaps -n mesh -o yaml" });
  await assert.rejects(mesh.objects(configMapKind), { name: "ClusterRefusal" });
});

test("createClusterMesh().proxies() says that no control plane is there", async (t) => {
  const { mesh } = await meshOf(t);
  await assert.rejects(mesh.proxies(), {
    message: 'There is no control plane of Meltemi in namespace "mesh" of this cluster',
  });
  assert.deepEqual(await mesh.controlPlanes(), []);
});

test("createClusterMesh().proxies() says that no replica is ready", async (t) => {
  const { mesh, server } = await meshOf(t);
  const pod = podNamed("plane-1", "mesh", { status: { phase: "Pending" } });
  server.put(PODS, { ...pod, metadata: { ...pod.metadata, labels: { app: "plane" } } });
  await assert.rejects(mesh.proxies(), {
    message: "No replica of the control plane is ready: plane-1 (Pending)",
    hint: "see why: kubectl describe pods -n mesh",
  });
});

const bindingIn = (namespace: string): TestObject => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "ClusterRoleBinding",
  metadata: { name: `plane-${namespace}`, labels: { app: "plane" } },
  subjects: [{ kind: "ServiceAccount", name: "plane", namespace }],
});

test("createClusterMesh() finds control planes where their rights were given, and nowhere else", async (t) => {
  const { mesh, server } = await meshOf(t);
  const pending = { status: { phase: "Pending" } };
  const labels = { app: "plane" };
  for (const namespace of ["platform", "canaries", "anybody"]) {
    const pod = podNamed(`of-${namespace}`, namespace, pending);
    server.put(PODS, { ...pod, metadata: { ...pod.metadata, labels } });
  }
  server.put(BINDINGS, bindingIn("platform"));
  server.put(BINDINGS, bindingIn("canaries"));
  await assert.rejects(mesh.proxies(), {
    message: "No replica of the control plane is ready: of-canaries (Pending), of-platform (Pending)",
  });
});

test("createClusterMesh() looks in the usual namespace where it may not see where rights were given", async (t) => {
  const { mesh, server } = await meshOf(t);
  server.put(BINDINGS, bindingIn("platform"));
  server.intercept = ({ path }) => (path === BINDINGS ? { status: 403 } : undefined);
  await assert.rejects(mesh.proxies(), { message: /in namespace "mesh" of this cluster/ });
});

test("createClusterMesh().logs() asks the kubelet for a container's lines", async (t) => {
  const { mesh, server } = await meshOf(t);
  server.put(PODS, podNamed("web", "shop"));
  const log = "/api/v1/namespaces/shop/pods/web/log";
  server.intercept = ({ path }) => (path === log ? { status: 200, body: "one line" } : undefined);
  const query = { isFollowing: false, tailCount: 5, sinceMs: 1_500, signal: new AbortController().signal };
  const lines: unknown[] = [];
  for await (const line of mesh.logs({ namespace: "shop", name: "web" }, query)) lines.push(line);
  // The test's server writes JSON.
  assert.deepEqual(lines, [{ container: "app", stream: "stdout", text: '"one line"' }]);
  assert.equal(
    String(server.requests.find(({ path }) => path === log)?.query),
    "container=app&follow=false&tailLines=5&sinceSeconds=2",
  );
});

test("createClusterMesh().exec() says that a pod isn't there", async (t) => {
  const { mesh } = await meshOf(t);
  const request = { command: ["ls"], isTty: false, signal: new AbortController().signal };
  await assert.rejects(mesh.exec({ namespace: "shop", name: "web" }, request), {
    message: 'There is no pod "web" in namespace "shop"',
  });
});
