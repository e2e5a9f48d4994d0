import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { TestApiServer } from "../../tests/support/api-server.ts";
import { podKind } from "../kinds/pod/pod.ts";
import { createClusterOperations } from "./cluster-operations.ts";

const environment = { env: { PATH: process.env.PATH, HOME: "/nowhere" }, version: "1.2.3" };

async function kubeconfigFor(t: TestContext, server: string, user: object = {}): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "meltemi-connection-"));
  t.after(() => rm(directory, { recursive: true }));
  const context = { cluster: "c", user: "u" };
  const config = {
    contexts: ["one", "two"].map((name) => ({ name, context })),
    clusters: [{ name: "c", cluster: { server } }],
    users: [{ name: "u", user }],
  };
  const path = join(directory, "config");
  await writeFile(path, JSON.stringify(config));
  return path;
}

async function podsOf(choices: { kubeconfig?: string; context?: string }) {
  const mesh = await createClusterOperations(environment).openMesh(choices, new AbortController().signal);
  try {
    return await mesh.pods();
  } finally {
    mesh.close();
  }
}

async function startServer(t: TestContext): Promise<TestApiServer> {
  const server = new TestApiServer();
  await server.start();
  t.after(() => server.stop());
  server.define(`/api/v1/${podKind.plural}`);
  return server;
}

test("openMesh() says that there is no kubeconfig", async () => {
  await assert.rejects(podsOf({}), {
    exitCode: 3,
    message: "Cannot use the kubeconfig: there is no file /nowhere/.kube/config",
  });
});

test("openMesh() names the contexts to choose from", async (t) => {
  const kubeconfig = await kubeconfigFor(t, "http://127.0.0.1:1");
  const hint = "say which with --context: one, two";
  await assert.rejects(podsOf({ kubeconfig }), { exitCode: 3, hint, message: /none of the contexts/ });
  await assert.rejects(podsOf({ kubeconfig, context: "three" }), { exitCode: 3, hint, message: /"three"/ });
});

test("a mesh says that its API server can't be reached", async (t) => {
  const listener = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => listener.once("listening", resolve));
  const { port } = listener.address() as AddressInfo;
  await new Promise((resolve) => listener.close(resolve));
  const kubeconfig = await kubeconfigFor(t, `http://127.0.0.1:${port}`);
  await assert.rejects(podsOf({ kubeconfig, context: "one" }), {
    exitCode: 4,
    message: `Cannot reach the API server at http://127.0.0.1:${port}: ECONNREFUSED`,
  });
});

test("a mesh says which right is missing, and where rights are written down", async (t) => {
  const server = await startServer(t);
  server.intercept = () => ({
    status: 403,
    body: { kind: "Status", message: 'pods is forbidden: "u" cannot' },
  });
  const kubeconfig = await kubeconfigFor(t, server.endpoint().url.href);
  await assert.rejects(podsOf({ kubeconfig, context: "one" }), {
    exitCode: 3,
    message: 'Cannot GET /api/v1/pods: pods is forbidden: "u" cannot',
    hint: /docs\/guides\/command-line-against-a-cluster\.md/,
  });
});

test("a mesh asks an exec plugin, and once more when its token is refused", async (t) => {
  const server = await startServer(t);
  const seen: (string | undefined)[] = [];
  server.intercept = ({ headers }) => {
    seen.push(headers.authorization);
    return seen.length === 1 ? { status: 401 } : undefined;
  };
  const exec = { command: "sh", args: ["-c", `echo '{"status":{"token":"'$TOKEN'"}}'`] };
  const env = [{ name: "TOKEN", value: "of-the-plugin" }];
  const kubeconfig = await kubeconfigFor(t, server.endpoint().url.href, { exec: { ...exec, env } });
  assert.deepEqual(await podsOf({ kubeconfig, context: "one" }), []);
  assert.deepEqual(seen, ["Bearer of-the-plugin", "Bearer of-the-plugin"]);
});

test("a mesh says that an exec plugin fails, with what installs it", async (t) => {
  const exec = { command: "no-such-plugin", installHint: "install it so" };
  const kubeconfig = await kubeconfigFor(t, "http://127.0.0.1:1", { exec });
  await assert.rejects(podsOf({ kubeconfig, context: "one" }), {
    exitCode: 3,
    message: /^Cannot get credentials from "no-such-plugin": .*ENOENT\ninstall it so$/,
  });
});
