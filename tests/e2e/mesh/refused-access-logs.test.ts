// An access log that passes every check of ours and that Envoy refuses: nobody lacks more than this log.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { eventually } from "./eventually.ts";
import { meltemi } from "./meltemi-command.ts";
import type { PodClient } from "./pod-client.ts";
import { type RunningMesh, skipWithoutMesh as skip, startMesh } from "./running-mesh.ts";

const PROVIDERS = `
apiVersion: v1
kind: ConfigMap
metadata: { name: istio, namespace: istio-system }
data:
  mesh: |
    extensionProviders:
      - name: good
        envoyFileAccessLog: { path: /dev/stdout, logFormat: { text: "good %REQ(USER-AGENT)%\\n" } }
      - name: bad
        envoyFileAccessLog: { path: /dev/stdout, logFormat: { text: "bad %REQ(USER-AGENT)% %NO_SUCH_COMMAND%\\n" } }
`;

const telemetry = (provider: string) => `
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: { name: logs, namespace: test }
spec: { accessLogging: [{ providers: [{ name: ${provider} }] }] }
`;

const STRICT = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: test }
spec: { mtls: { mode: STRICT } }
`;

const SECOND_CLIENT = new URL("manifests/second-client.yaml", import.meta.url);

let mesh: RunningMesh;
let client: PodClient;
let legacy: PodClient;
let requestCount = 0;

before(
  async () => {
    if (skip !== false) return;
    const files = { "providers.yaml": PROVIDERS, "telemetry.yaml": telemetry("good") };
    mesh = await startMesh({ manifests: ["legacy.yaml"], files });
    [client, legacy] = await Promise.all([mesh.client("client"), mesh.client("legacy")]);
  },
  { timeout: 120_000 },
);
after(() => mesh?.close());

/** The one line that the caller's proxy writes of a request. */
async function untilLogged(caller: PodClient, workload: string, format: RegExp): Promise<void> {
  requestCount += 1;
  const agent = `request-${requestCount}-end`;
  const { status } = await caller.request({ url: "http://echo/", headers: { "user-agent": agent } });
  assert.equal(status, 200);
  await eventually(async () => {
    const lines = await mesh.logs(workload, "istio-proxy");
    const about = lines.filter(({ stream, text }) => stream === "stdout" && text.includes(agent));
    assert.match(about.map(({ text }) => text).join("\n"), format);
  });
}

test("the Telemetry object is said to be at fault, and a proxy goes on with the log that it has", {
  skip,
}, async () => {
  await untilLogged(client, "client", /^good request-\d+-end$/);
  await mesh.save("telemetry.yaml", telemetry("bad"));
  await eventually(async () => {
    const { code, text } = await meltemi(mesh, "wait", "telemetry/logs", "-n", "test", "--timeout", "5s");
    assert.equal(code, 1, text);
    assert.match(text, /NO_SUCH_COMMAND/);
  });
  const nacks = (await mesh.proxies()).flatMap((proxy) => proxy.nacks);
  assert.ok(nacks.length > 0);
  for (const { object } of nacks) assert.equal(object, "Telemetry test/logs");
  await untilLogged(client, "client", /^good request-\d+-end$/);
});

test("its listeners follow all other edits", { skip }, async () => {
  await eventually(() => legacy.echo({ url: "http://echo/", isNew: true }));
  await mesh.save("strict.yaml", STRICT);
  await eventually(async () => {
    const { error } = await legacy.request({ url: "http://echo/", isNew: true });
    assert.match(error ?? "", /ECONNRESET|socket hang up/);
  });
  const { code, text } = await meltemi(mesh, "wait", "peerauthentication/default", "-n", "test");
  assert.equal(code, 0, text);
  await untilLogged(client, "client", /^good request-\d+-end$/);
});

test("a pod that starts gets ready and calls others, and logs nothing until the log is mended", {
  skip,
}, async () => {
  await mesh.save("late.yaml", await readFile(SECOND_CLIENT, "utf8"));
  const late = await eventually(() => mesh.client("client-two"));
  await eventually(() => late.echo({ url: "http://echo/", isNew: true }));
  await eventually(async () => {
    const containers = (await mesh.pods("client-two")).flatMap((pod) => pod.containers);
    const notReady = containers.filter(({ role, isReady }) => role !== "init" && !isReady);
    assert.deepEqual(notReady, []);
  });
  await mesh.save("telemetry.yaml", telemetry("good"));
  const { code, text } = await meltemi(mesh, "wait", "telemetry/logs", "-n", "test");
  assert.equal(code, 0, text);
  await untilLogged(late, "client-two", /^good request-\d+-end$/);
  const lines = (await mesh.logs("client-two", "istio-proxy")).filter(({ stream }) => stream === "stdout");
  assert.deepEqual(
    lines.filter(({ text: line }) => !line.startsWith("good")).map(({ text: line }) => line),
    [],
  );
});
