// What proxies log as Telemetry objects say: Istio's own line, formats, filters, sides, and nothing; changed under load.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { eventually } from "./eventually.ts";
import { meltemi } from "./meltemi-command.ts";
import type { PodClient } from "./pod-client.ts";
import { type RunningMesh, skipWithoutMesh as skip, startMesh } from "./running-mesh.ts";

const EDIT_COUNT = 20;
const PROVIDERS = `
apiVersion: v1
kind: ConfigMap
metadata: { name: istio, namespace: istio-system }
data:
  mesh: |
    accessLogFile: /dev/stdout
    extensionProviders:
      - name: json
        envoyFileAccessLog:
          path: /dev/stdout
          logFormat:
            labels: { agent: "%REQ(USER-AGENT)%", code: "%RESPONSE_CODE%", sni: "%REQUESTED_SERVER_NAME%" }
      - name: short
        envoyFileAccessLog: { path: /dev/stdout, logFormat: { text: "short %REQ(USER-AGENT)% %RESPONSE_CODE%\\n" } }
`;

let mesh: RunningMesh;
let client: PodClient;
let requestCount = 0;

before(
  async () => {
    if (skip !== false) return;
    mesh = await startMesh({ files: { "providers.yaml": PROVIDERS, "telemetry.yaml": "" } });
    client = await mesh.client("client");
  },
  { timeout: 120_000 },
);
after(() => mesh?.close());
beforeEach(() => (skip === false ? put() : undefined));

/** Telemetry objects in place of all before. */
async function put(...objects: readonly string[]): Promise<void> {
  await mesh.save("telemetry.yaml", objects.join("\n---\n"));
}

const telemetry = (name: string, namespace: string, spec: string) => `
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: { name: ${name}, namespace: ${namespace} }
spec: ${spec}
`;

/** The lines of one request, of the caller's proxy and of the called one's. */
async function linesOf(
  path = "/",
): Promise<{ readonly caller: readonly string[]; readonly called: readonly string[] }> {
  requestCount += 1;
  const agent = `request-${requestCount}-end`;
  await client.request({ url: `http://echo${path}`, headers: { "user-agent": agent } });
  // What comes after it in a proxy's log comes later: lines are written twice a second, in order.
  const about = async (workload: string) =>
    (await mesh.logs(workload, "istio-proxy"))
      .filter(({ stream, text }) => stream === "stdout" && text.includes(agent))
      .map(({ text }) => text);
  await new Promise((resolve) => setTimeout(resolve, 1_300));
  const [caller, v1, v2] = await Promise.all([about("client"), about("echo-v1"), about("echo-v2")]);
  return { caller, called: [...v1, ...v2] };
}

/** A change reaches proxies soon, and a line its log within a second. */
function eventuallyLogged(check: (lines: Awaited<ReturnType<typeof linesOf>>) => void, path?: string) {
  return eventually(async () => check(await linesOf(path)));
}

test("Istio's default line, field by field", { skip }, async () => {
  const time = String.raw`\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\]`;
  const id = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
  const address = String.raw`10\.\d+\.\d+\.\d+:\d+`;
  const line = (more: string) =>
    new RegExp(
      `^${time} "GET /some\\?q=1 HTTP/1\\.1" 200 - via_upstream - "-" 0 \\d+ \\d+ \\d+ "-" "request-\\d+-end" "${id}" "echo" ${more}$`,
    );
  const called = String.raw`"10\.\d+\.\d+\.\d+:8080" inbound\|8080\|\| ${String.raw`127\.0\.0\.6:\d+`} ${address} ${address} outbound_\.80_\._\.echo\.test\.svc\.cluster\.local default`;
  const caller = `"${address}" outbound\\|80\\|\\|echo\\.test\\.svc\\.cluster\\.local ${address} 10\\.\\d+\\.\\d+\\.\\d+:80 ${address} - default`;
  await eventuallyLogged((lines) => {
    assert.equal(lines.caller.length, 1);
    assert.match(lines.caller[0] ?? "", line(caller));
    assert.equal(lines.called.length, 1);
    assert.match(lines.called[0] ?? "", line(called));
  }, "/some?q=1");
});

test("providers of the mesh, of a namespace and of a workload, each over the one before", {
  skip,
}, async () => {
  const ofRoot = telemetry("root", "istio-system", "{ accessLogging: [{ providers: [{ name: short }] }] }");
  await put(ofRoot);
  await eventuallyLogged(({ caller, called }) => {
    assert.match(caller.join(), /^short request-\d+-end 200$/);
    assert.match(called.join(), /^short request-\d+-end 200$/);
  });
  const ofNamespace = telemetry("all", "test", "{ accessLogging: [{ providers: [{ name: json }] }] }");
  await put(ofRoot, ofNamespace);
  await eventuallyLogged(({ caller, called }) => {
    assert.match(JSON.parse(caller.join()).agent, /^request-/);
    const { code, sni } = JSON.parse(called.join());
    assert.deepEqual([code, sni], [200, "outbound_.80_._.echo.test.svc.cluster.local"]);
  });
  const ofWorkload = telemetry(
    "client",
    "test",
    "{ selector: { matchLabels: { app: client } }, accessLogging: [{ disabled: true }] }",
  );
  await put(ofRoot, ofNamespace, ofWorkload);
  await eventuallyLogged(({ caller, called }) => {
    assert.deepEqual(caller, []);
    assert.equal(called.length, 1);
  });
});

test("one side alone, and what a filter lets through", { skip }, async () => {
  const entry =
    "match: { mode: CLIENT }, providers: [{ name: short }], filter: { expression: response.code >= 500 }";
  const servers = "match: { mode: SERVER }, disabled: true";
  await put(telemetry("all", "test", `{ accessLogging: [{ ${entry} }, { ${servers} }] }`));
  await eventuallyLogged(({ caller, called }) => {
    assert.match(caller.join(), /^short request-\d+-end 503$/);
    assert.deepEqual(called, []);
  }, "/?status=503");
  // Each called version logs as before for one more answer, on the connection that is open.
  await eventuallyLogged(({ caller, called }) => assert.deepEqual([caller, called], [[], []]));
});

test("edits under load fail no request", { skip }, async () => {
  const load = await client.load({ url: "http://echo/", connections: 10, pauseMs: 5 });
  for (let edit = 1; edit <= EDIT_COUNT; edit += 1) {
    const spec = [
      "{ accessLogging: [{ disabled: true }] }",
      "{ accessLogging: [{ providers: [{ name: json }] }] }",
      "{ accessLogging: [{ providers: [{ name: short }], filter: { expression: response.code >= 400 } }] }",
    ][edit % 3];
    const object = telemetry("all", edit % 2 === 0 ? "test" : "istio-system", spec ?? "{}");
    await put(object);
    const { code, text } = await meltemi(mesh, "wait", "telemetry/all");
    assert.equal(code, 0, text);
    assert.match(text, /: (\d+) of \1 proxies have it/);
  }
  const { byStatus, total, failures } = await load.stop();
  assert.deepEqual(byStatus, { 200: total }, JSON.stringify(failures));
  assert.ok(total > 200, String(total));
});
