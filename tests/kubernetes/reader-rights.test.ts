// What the command line may do with the rights that its guide names, on an API server alone.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Mesh } from "../../src/admin/contract/mesh.ts";
import { customResourceDefinitions } from "../../src/install/custom-resource-definition.ts";
import { kinds } from "../../src/kinds/all-kinds.ts";
import { createClusterOperations } from "../../src/operations/cluster-operations.ts";
import { eventually } from "../e2e/mesh/eventually.ts";
import type { ApiServer } from "./cluster/api-server.ts";
import { startApiServer, whyNoApiServer } from "./cluster/api-server.ts";
import type { PluginUser } from "./plugin-user.ts";
import { createReader } from "./plugin-user.ts";

const skip = whyNoApiServer();
let server: ApiServer;
let reader: PluginUser;
let mesh: Mesh;

before(async () => {
  if (skip) return;
  server = await startApiServer();
  const items = customResourceDefinitions();
  await server.kubectl(["create", "-f", "-"], {
    input: JSON.stringify({ apiVersion: "v1", kind: "List", items }),
  });
  reader = await createReader(server, "reader");
  const operations = createClusterOperations({ env: process.env, version: "test" });
  mesh = await operations.openMesh({ kubeconfig: reader.kubeconfigPath }, new AbortController().signal);
});

after(async () => {
  mesh?.close();
  await reader?.close();
  await server?.close();
});

const readable = kinds.filter(({ kind, scope }) => scope !== "Pseudo" && kind !== "Secret");

for (const kind of readable) {
  test(`a reader gets ${kind.plural}`, { skip }, async () => {
    // New definitions are served a moment after they were made.
    const objects = await eventually(() => mesh.objects(kind));
    assert.ok(objects.every((object) => object.kind === kind.kind && object.apiVersion === kind.apiVersion));
  });
}

test("a reader gets no secrets, and is told which right that wants", { skip }, async () => {
  const secret = kinds.find(({ kind }) => kind === "Secret");
  assert.ok(secret);
  await assert.rejects(mesh.objects(secret), {
    exitCode: 3,
    message: /cannot list resource "secrets" in API group "" at the cluster scope/,
  });
});

test("a reader runs no command in a pod", { skip }, async () => {
  const { signal } = new AbortController();
  await assert.rejects(
    mesh.exec(
      { namespace: "default", name: "web" },
      { container: "app", command: ["env"], isTty: false, signal },
    ),
    { exitCode: 3, message: /cannot (get|create) resource "pods\/exec"/ },
  );
});

test("get shows objects as they were written, in the version that the mesh works by", { skip }, async () => {
  const spec = { hosts: ["reviews"], http: [{ route: [{ destination: { host: "reviews" } }] }] };
  const metadata = { name: "reviews", namespace: "default" };
  const object = { apiVersion: "networking.istio.io/v1beta1", kind: "VirtualService", metadata, spec };
  await server.kubectl(["create", "-f", "-"], { input: JSON.stringify(object) });
  const kind = kinds.find((each) => each.kind === "VirtualService");
  assert.ok(kind);
  const [found] = await mesh.objects(kind, "default");
  assert.deepEqual(
    [found?.apiVersion, found?.metadata.name, found?.spec],
    [kind.apiVersion, "reviews", spec],
  );
  assert.equal(found?.metadata.managedFields, undefined);
  assert.deepEqual(await mesh.objects(kind, "elsewhere"), []);
});

test("a mesh without a control plane says how to come by one", { skip }, async () => {
  await assert.rejects(mesh.proxies(), { exitCode: 1, hint: /^install one: meltemi install/ });
  assert.deepEqual(await mesh.controlPlanes(), []);
});
