// The list-watch client against a real API server: what only it does, such as forgetting its history when it restarts.

import assert from "node:assert/strict";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { systemClock } from "../../src/core/clock.ts";
import type { ObjectKey } from "../../src/core/object-key.ts";
import { kindByName } from "../../src/kinds/all-kinds.ts";
import type { KubernetesObject } from "../../src/kinds/define-kind.ts";
import { type ApiClient, createApiClient } from "../../src/kubernetes/api-client.ts";
import { resourceOfKind, resourcePath } from "../../src/kubernetes/api-resource.ts";
import { openKubeconfig } from "../../src/kubernetes/kubeconfig.ts";
import { ingestObject } from "../../src/sources/kubernetes/ingest-object.ts";
import { createInternPool } from "../../src/sources/kubernetes/intern-pool.ts";
import { listCollection } from "../../src/sources/kubernetes/list-collection.ts";
import {
  createProtobufListReader,
  type ProtobufListReader,
} from "../../src/sources/kubernetes/protobuf-list.ts";
import { watchKubernetes } from "../../src/sources/kubernetes/watch-kubernetes.ts";
import { wireForms } from "../../src/sources/kubernetes/wire-forms.ts";
import { type ApiServer, startApiServer, whyNoApiServer } from "./cluster/api-server.ts";
import { formObjects } from "./form-objects.ts";

const skip = whyNoApiServer();
const DEADLINE_MS = 60_000;

test("watchKubernetes() against a real API server", { skip }, async (t) => {
  const server = await startApiServer();
  t.after(() => server.close());
  await t.test("tells everything at once, then changes", (t) => followsChanges(t, server));
  await t.test("takes what changed while its connections were cut, exactly once", (t) =>
    outlivesCuts(t, server),
  );
  await t.test("lists anew where a restarted API server has forgotten", (t) => outlivesRestarts(t, server));
  await t.test("gets bookmarks, which move it forward", (t) => getsBookmarks(t, server));
  await t.test("lists thousands of objects in pages", (t) => listsThousands(t, server));
  await t.test("reads of protobuf what it reads of JSON", (t) => readsTheSame(t, server));
  await t.test("finds a kind that is installed later", (t) => findsNewKinds(t, server));
});

async function followsChanges(t: TestContext, server: ApiServer): Promise<void> {
  await createNamespace(server, "changes");
  await applyPod(server, "changes", "first");
  const { objects, told, synced } = await follow(t, server);
  await synced;
  assert.ok(objects.has(podKey("changes", "first")));
  assert.ok(objects.has("Service/default/kubernetes" as ObjectKey));
  await applyPod(server, "changes", "second");
  await setAddress(server, "changes", "second", "10.0.0.2");
  await server.kubectl(["-n", "changes", "delete", "pod", "first", "--force", "--grace-period=0"]);
  await until(
    () => !objects.has(podKey("changes", "first")) && addressOf(objects, "changes", "second") === "10.0.0.2",
  );
  // A label, an address and a deletion; finalizers, conditions and managed fields are nobody's business.
  assert.ok(told.length <= 4, told.join(" "));
}

async function outlivesCuts(t: TestContext, server: ApiServer): Promise<void> {
  await createNamespace(server, "cuts");
  for (const name of ["stays", "goes"]) await applyPod(server, "cuts", name);
  const { told, synced, wire } = await follow(t, server);
  await synced;
  wire.cut();
  await applyPod(server, "cuts", "comes");
  await server.kubectl(["-n", "cuts", "delete", "pod", "goes", "--force", "--grace-period=0"]);
  wire.mend();
  await until(() => told.length >= 2);
  await server.kubectl(["-n", "cuts", "create", "service", "clusterip", "last", "--tcp=80"]);
  await until(() => told.includes("+Service/cuts/last"));
  assert.deepEqual(told.sort(), ["+Pod/cuts/comes", "+Service/cuts/last", "-Pod/cuts/goes"]);
}

async function outlivesRestarts(t: TestContext, server: ApiServer): Promise<void> {
  await createNamespace(server, "restarts");
  for (const name of ["stays", "goes"]) await applyPod(server, "restarts", name);
  const { told, events, objects, synced, wire } = await follow(t, server);
  await synced;
  const countBefore = objects.size;
  // While it can't hear, pods change, versions move on, and the server that knew of it restarts.
  wire.cut();
  await applyPod(server, "restarts", "comes");
  await server.kubectl(["-n", "restarts", "delete", "pod", "goes", "--force", "--grace-period=0"]);
  await server.halt();
  await server.resume();
  wire.mend();
  await until(() => told.includes("+Pod/restarts/comes") && told.includes("-Pod/restarts/goes"));
  await until(() => events.filter((event) => event === "listing anew").length > 0);
  assert.equal(objects.size, countBefore);
  await applyPod(server, "restarts", "after");
  await until(() => told.includes("+Pod/restarts/after"));
  assert.equal(told.length, new Set(told).size, "nothing is told twice");
}

/** One comes shortly before a watch ends, as every minute besides. */
async function getsBookmarks(t: TestContext, server: ApiServer): Promise<void> {
  const client = await clientOf(server);
  t.after(() => client.close());
  await createNamespace(server, "bookmarks");
  const path = "/api/v1/namespaces/bookmarks/configmaps";
  const { metadata } = (await client.request({ path })) as { metadata: { resourceVersion: string } };
  const response = await client.open({
    path,
    query: {
      watch: "true",
      allowWatchBookmarks: "true",
      timeoutSeconds: "15",
      resourceVersion: metadata.resourceVersion,
    },
  });
  // Elsewhere, so that this watch has no event of its own.
  await server.kubectl(["create", "configmap", "elsewhere"]);
  let text = "";
  for await (const chunk of response) text += String(chunk);
  const last = JSON.parse(text.trim().split("\n").at(-1) || "{}");
  assert.equal(last.type, "BOOKMARK");
  assert.ok(Number(last.object.metadata.resourceVersion) > Number(metadata.resourceVersion));
}

async function listsThousands(t: TestContext, server: ApiServer): Promise<void> {
  await createNamespace(server, "thousands");
  const client = await clientOf(server);
  t.after(() => client.close());
  const names = Array.from({ length: 2_000 }, (_, index) => `pod-${index}`);
  await inParallel(names, 16, (name) =>
    client.request({
      method: "POST",
      path: "/api/v1/namespaces/thousands/pods",
      body: podOf("thousands", name),
    }),
  );
  const { objects, synced } = await follow(t, server);
  await synced;
  const found = [...objects.keys()].filter((key) => key.startsWith("Pod/thousands/"));
  assert.equal(found.length, names.length);
}

async function readsTheSame(t: TestContext, server: ApiServer): Promise<void> {
  await createNamespace(server, "forms");
  const items = formObjects("forms");
  const input = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  await server.kubectl(["apply", "--server-side", "-f", "-"], { input });
  const status = { podIP: "10.0.0.7", podIPs: [{ ip: "10.0.0.7" }, { ip: "fd00::7" }], phase: "Running" };
  await server.kubectl([
    ...["-n", "forms", "patch", "pod", "web-1", "--subresource=status", "--type=merge"],
    ...["-p", JSON.stringify({ status })],
  ]);
  const client = await clientOf(server);
  t.after(() => client.close());
  for (const [kind, form] of wireForms) {
    const fromJson = await listed(client, kind);
    assert.ok(fromJson.length > 0, `there is no ${kind}`);
    assert.deepEqual(await listed(client, kind, createProtobufListReader(form)), fromJson);
  }
}

/** As they are taken in. */
async function listed(client: ApiClient, kind: string, readProtobuf?: ProtobufListReader) {
  const declared = kindByName.get(kind);
  assert.ok(declared);
  const { apiVersion } = declared;
  const objects: unknown[] = [];
  const pool = createInternPool();
  await listCollection({
    client,
    path: resourcePath(resourceOfKind(declared)),
    query: {},
    signal: new AbortController().signal,
    readProtobuf,
    onRestart: () => assert.fail("nothing was compacted"),
    onObject: (raw) => objects.push(ingestObject({ ...raw, kind, apiVersion }, pool)),
  });
  return objects;
}

async function findsNewKinds(t: TestContext, server: ApiServer): Promise<void> {
  const { objects, synced } = await follow(t, server);
  await synced;
  await server.kubectl(["apply", "-f", "-"], { input: JSON.stringify(virtualServiceDefinition) });
  await server.kubectl(["wait", "--for=condition=Established", "crd/virtualservices.networking.istio.io"]);
  await server.kubectl(["apply", "-f", "-"], { input: JSON.stringify(virtualService) });
  await until(() => objects.has("VirtualService/default/reviews" as ObjectKey));
}

const virtualService = {
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: "reviews", namespace: "default" },
  spec: { hosts: ["reviews"], http: [{ route: [{ destination: { host: "reviews" } }] }] },
};

const virtualServiceDefinition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "virtualservices.networking.istio.io" },
  spec: {
    group: "networking.istio.io",
    scope: "Namespaced",
    names: { kind: "VirtualService", plural: "virtualservices" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
};

/** A watch whose wire to the server can be cut, and all that it told. */
async function follow(t: TestContext, server: ApiServer) {
  const wire = await openWire(server);
  const client = await clientOf(server, wire.port);
  const stop = new AbortController();
  t.after(async () => {
    stop.abort();
    client.close();
    await wire.close();
  });
  const objects = new Map<ObjectKey, KubernetesObject>();
  const told: string[] = [];
  const events: string[] = [];
  const note = (_fields: object, event: string) => void events.push(event);
  const synced = new Promise<void>((resolve) => {
    watchKubernetes({
      client,
      clock: systemClock,
      random: Math.random,
      log: { debug: note, info: note, warn: note, error: note },
      signal: stop.signal,
      systemNamespace: "meltemi-system",
      onSync: (entries) => {
        for (const { key, object } of entries) objects.set(key, object);
        resolve();
      },
      onChange: ({ upserts, deletes }) => {
        for (const { key, object } of upserts) objects.set(key, object);
        for (const key of deletes) objects.delete(key);
        told.push(...upserts.map(({ key }) => `+${key}`), ...deletes.map((key) => `-${key}`));
      },
    });
  });
  return { objects, told, events, synced, wire };
}

async function clientOf(server: ApiServer, port?: number): Promise<ApiClient> {
  const opened = await openKubeconfig({ clock: systemClock, environment: {}, path: server.kubeconfigPath });
  if (opened.kind === "problem") throw new Error(opened.problem.message);
  const url = new URL(server.url);
  if (port !== undefined) url.port = String(port);
  return createApiClient({ ...opened.endpoint, url }, { clock: systemClock, userAgent: "meltemi/test" });
}

/** A port that leads to the API server, until it is cut. */
async function openWire({ url }: ApiServer) {
  const sockets = new Set<Socket>();
  let isCut = false;
  const relay = createServer((near) => {
    if (isCut) return void near.destroy();
    const far = connect(Number(new URL(url).port), "127.0.0.1");
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.pipe(other);
      one.on("error", () => undefined);
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  });
  const breakAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
  return {
    port: (relay.address() as AddressInfo).port,
    cut() {
      isCut = true;
      breakAll();
    },
    mend() {
      isCut = false;
    },
    async close() {
      const closed = new Promise((resolve) => relay.close(resolve));
      breakAll();
      await closed;
    },
  };
}

function podKey(namespace: string, name: string): ObjectKey {
  return `Pod/${namespace}/${name}` as ObjectKey;
}

function podOf(namespace: string, name: string) {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels: { app: "web" } },
    spec: { automountServiceAccountToken: false, containers: [{ name: "web", image: "web:1" }] },
  };
}

/** A pod needs its ServiceAccount, which a controller-manager would make. */
async function createNamespace(server: ApiServer, name: string): Promise<void> {
  await server.kubectl(["create", "namespace", name]);
  await server.kubectl(["-n", name, "create", "serviceaccount", "default"]);
}

async function applyPod(server: ApiServer, namespace: string, name: string): Promise<void> {
  await server.kubectl(["apply", "-f", "-"], { input: JSON.stringify(podOf(namespace, name)) });
}

async function setAddress(server: ApiServer, namespace: string, name: string, podIP: string): Promise<void> {
  const patch = JSON.stringify({ status: { podIP, podIPs: [{ ip: podIP }] } });
  await server.kubectl(["-n", namespace, "patch", "pod", name, "--subresource=status", "--patch", patch]);
}

function addressOf(objects: ReadonlyMap<ObjectKey, KubernetesObject>, namespace: string, name: string) {
  const pod = objects.get(podKey(namespace, name));
  return (pod?.status as { readonly podIP?: string } | undefined)?.podIP;
}

async function inParallel<T>(
  items: readonly T[],
  width: number,
  run: (item: T) => Promise<unknown>,
): Promise<void> {
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) await run(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

async function until(isTrue: () => boolean): Promise<void> {
  for (const end = Date.now() + DEADLINE_MS; !isTrue(); ) {
    if (Date.now() > end) throw new Error(`Never came true: ${isTrue}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
