// Who may ask who may call whom, on an API server alone: nobody without rights, and nobody who may list pods but not reach
// their Envoys learns what policies come to.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { customResourceDefinitions } from "../../src/install/custom-resource-definition.ts";
import { projectPath } from "../../src/process/project.ts";
import { type ApiServer, startApiServer, whyNoApiServer } from "./cluster/api-server.ts";
import { definitionsEstablished } from "./cluster/definitions-established.ts";
import { createPluginUser, type PluginUser } from "./plugin-user.ts";

const skip = whyNoApiServer();
let server: ApiServer;
let stranger: PluginUser;
let lister: PluginUser;

const TOKEN = [{ alg: "HS256" }, { iss: "idp" }, "x"]
  .map((part) => Buffer.from(typeof part === "string" ? part : JSON.stringify(part)).toString("base64url"))
  .join(".");

before(async () => {
  if (skip) return;
  server = await startApiServer();
  await apply(customResourceDefinitions());
  await definitionsEstablished(server.kubectl);
  [stranger, lister] = [await createPluginUser(server, "stranger"), await createPluginUser(server, "lister")];
  await apply([...listing, ...workload]);
  // No kubelet is here to say so.
  const proxy = {
    name: "istio-proxy",
    ready: true,
    restartCount: 0,
    image: "proxy",
    imageID: "",
    state: { running: {} },
  };
  const running = JSON.stringify({
    status: { phase: "Running", podIP: "10.0.0.1", containerStatuses: [proxy] },
  });
  await server.kubectl(["-n", "default", "patch", "pod", "web", "--subresource=status", "-p", running]);
});

after(async () => {
  await stranger?.close();
  await lister?.close();
  await server?.close();
});

function apply(items: readonly object[]): Promise<string> {
  const input = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  return server.kubectl(["apply", "--server-side", "-f", "-"], { input });
}

const RBAC = "rbac.authorization.k8s.io";
const listing: readonly object[] = [
  {
    apiVersion: `${RBAC}/v1`,
    kind: "ClusterRole",
    metadata: { name: "lister" },
    rules: [
      { apiGroups: [""], resources: ["pods", "services", "namespaces"], verbs: ["get", "list"] },
      { apiGroups: ["apps"], resources: ["deployments", "replicasets"], verbs: ["get", "list"] },
      { apiGroups: ["networking.istio.io"], resources: ["gateways"], verbs: ["get", "list"] },
    ],
  },
  {
    apiVersion: `${RBAC}/v1`,
    kind: "ClusterRoleBinding",
    metadata: { name: "lister" },
    roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: "lister" },
    subjects: [{ kind: "ServiceAccount", name: "lister", namespace: "default" }],
  },
];

/** With a proxy, as a gateway's and a sidecar's is told: by the container's name and words. */
const workload: readonly object[] = [
  { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace: "default" } },
  {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", namespace: "default", labels: { app: "web" } },
    spec: { containers: [{ name: "istio-proxy", image: "proxy", args: ["proxy", "router"] }] },
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "default" },
    spec: { selector: { app: "web" }, ports: [{ name: "http", port: 80 }] },
  },
  {
    apiVersion: "networking.istio.io/v1",
    kind: "Gateway",
    metadata: { name: "web", namespace: "default" },
    spec: {
      selector: { app: "web" },
      servers: [{ hosts: ["shop.example"], port: { number: 80, name: "http", protocol: "HTTP" } }],
    },
  },
];

function meltemi(user: PluginUser, args: readonly string[]) {
  const argv = [projectPath("bin/meltemi.mjs"), ...args, "--kubeconfig", user.kubeconfigPath];
  return new Promise<{ readonly code: unknown; readonly text: string }>((resolve) => {
    execFile(process.execPath, argv, { timeout: 60_000 }, (error, output, errors) =>
      resolve({ code: error?.code ?? 0, text: `${output}${errors}` }),
    );
  });
}

const questions: readonly (readonly string[])[] = [
  ["authz", "can-i", "GET", "http://web.default/"],
  ["authz", "can-i", "GET", "http://shop.example/"],
  ["authz", "matrix"],
  ["jwt", "debug", TOKEN, "--for", "web.default"],
];

for (const question of questions) {
  const words = question.filter((word) => word !== TOKEN).join(" ");
  test(`${words} wants rights`, { skip }, async () => {
    const refused = await meltemi(stranger, question);
    assert.equal(refused.code, 3, refused.text);
    assert.match(refused.text, /cannot list resource "(pods|services)"/);
    assert.ok(!refused.text.includes(TOKEN));
  });

  test(`${words} wants the right to reach the pods' Envoys`, { skip }, async () => {
    const refused = await meltemi(lister, question);
    assert.equal(refused.code, 3, refused.text);
    assert.match(refused.text, /cannot (get|create) resource "pods\/portforward"/);
    assert.ok(!/allowed|denied:/.test(refused.text), refused.text);
  });
}

test("jwt debug wants the right to list the policies", { skip }, async () => {
  const refused = await meltemi(lister, ["jwt", "debug", TOKEN]);
  assert.equal(refused.code, 3, refused.text);
  assert.match(refused.text, /cannot list resource "requestauthentications"/);
});
