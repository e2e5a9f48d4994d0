// Issue 3, item 3: hosts that the mesh doesn't know, and those that a ServiceEntry tells it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { proxyGauge } from "../lifecycle/proxy-state.ts";
import { eventually } from "./eventually.ts";
import type { PodClient } from "./pod-client.ts";
import type { RunningMesh } from "./running-mesh.ts";
import { skipWithoutMesh as skip, startMesh } from "./running-mesh.ts";

const skipWithoutTun = skip !== false || existsSync("/dev/net/tun") ? skip : "needs /dev/net/tun";
// In documentation's range: nobody has it, so who answers there was named by the mesh.
const NOBODY = "192.0.2.7";

let mesh: RunningMesh;
let client: PodClient;
let strayIp: string;

before(
  async () => {
    if (skip !== false) return;
    mesh = await startMesh({ manifests: ["legacy.yaml", "stray.yaml"] });
    client = await mesh.client("client");
    const [pod] = await mesh.pods("stray");
    strayIp = pod?.ip ?? "";
  },
  { timeout: 120_000 },
);
after(() => mesh?.close());

function outboundPolicy(mode: "ALLOW_ANY" | "REGISTRY_ONLY"): Promise<void> {
  return mesh.save(
    "mesh-config.yaml",
    `
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: meltemi-system}
data: {mesh: "outboundTrafficPolicy: {mode: ${mode}}"}
`,
  );
}

function serviceEntry(spec: string): Promise<void> {
  return mesh.save(
    "service-entry.yaml",
    `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: api, namespace: test}
spec:
  hosts: [api.example.com]
  ports: [{number: 80, name: http, protocol: HTTP}]
${spec.trim().replaceAll(/^/gm, "  ")}
`,
  );
}

/** By its Host header alone: no name leads to the address. */
function callApi(path = "/") {
  return client.echo({ url: `http://${NOBODY}${path}`, host: "api.example.com", timeoutMs: 1_000 });
}

const proxyPorts = { 15020: "/stats/prometheus", 15021: "/healthz/ready", 15090: "/stats/prometheus" };

test("a proxy's own ports take nothing that the pod calls on those of another pod's proxy", {
  skip,
}, async () => {
  const [echo] = await mesh.pods("echo-v1");
  assert.ok(echo?.ip !== undefined);
  for (const [port, path] of Object.entries(proxyPorts)) {
    const before = await openConnections(Number(port));
    // The caller keeps its connection, so who has it can be seen.
    const { status } = await client.request(`http://${echo.ip}:${port}${path}`);
    assert.equal(status, 200, `${port} of another pod`);
    await eventually(async () => {
      const now = await openConnections(Number(port));
      const grown = { ofEcho: now.ofEcho > before.ofEcho, outbound: now.outbound > before.outbound };
      assert.deepEqual(
        grown,
        { ofEcho: true, outbound: true },
        `${port}: ${JSON.stringify({ before, now })}`,
      );
      assert.equal(now.ofClient, before.ofClient, `${port}: the caller's own proxy hasn't got it`);
    });
  }
});

test("a proxy's own ports take nothing that the pod calls on a pod without a proxy", { skip }, async () => {
  const script = `for (const port of [${Object.keys(proxyPorts)}])
    require("node:http").createServer((_, response) => response.end("stray " + port)).listen(port)`;
  const [program, ...args] = await mesh.exec("stray", [process.execPath, "-e", script]);
  const server = spawn(program, args, { stdio: "ignore" });
  try {
    for (const [port, path] of Object.entries(proxyPorts)) {
      await eventually(async () => {
        const { body } = await client.request({ url: `http://${strayIp}:${port}${path}`, isNew: true });
        assert.equal(body, `stray ${port}`);
      });
    }
  } finally {
    server.kill("SIGKILL");
  }
});

/** Of the bootstrap's listener on a port, in the pod that is called and in the caller's; and what left the caller's pod through its proxy. */
async function openConnections(port: number) {
  const names: Readonly<Record<number, string>> = { 15020: "agent", 15021: "health", 15090: "envoy-stats" };
  const ofListener = `^listener[.]bootstrap-${names[port]}[.]downstream_cx_active$`;
  return {
    ofEcho: await proxyGauge(mesh, "echo-v1", ofListener),
    ofClient: await proxyGauge(mesh, "client", ofListener),
    outbound: await proxyGauge(
      mesh,
      "client",
      "^listener[.].*(15001|virtualOutbound).*[.]downstream_cx_active$",
    ),
  };
}

test("ALLOW_ANY lets calls through to whom the mesh doesn't know, HTTP and TCP", { skip }, async () => {
  assert.equal((await client.echo(`http://${strayIp}:8080/`)).version, "stray");
  const { received } = await client.tcp({ host: strayIp, port: 9000, send: "hello\n", until: "hello" });
  assert.equal(received, "stray:hello\n");
});

test("ALLOW_ANY reaches a server on the machine's own loopback", { skip: skipWithoutTun }, async () => {
  const server = createServer((_request, response) => response.end("from the machine"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const { status, body } = await client.request(`http://host.meltemi.internal:${port}/`);
  server.closeAllConnections();
  server.close();
  assert.deepEqual([status, body], [200, "from the machine"]);
});

test("a ServiceEntry with STATIC endpoints gives its host a server", { skip }, async () => {
  await serviceEntry(`
resolution: STATIC
location: MESH_EXTERNAL
endpoints: [{address: ${strayIp}, ports: {http: 8080}}]
`);
  await eventually(async () => {
    const { version, headers } = await callApi();
    assert.deepEqual([version, headers.host], ["stray", "api.example.com"]);
  });
});

test("a ServiceEntry with resolution DNS asks for its endpoints' names", { skip }, async () => {
  await serviceEntry(`
resolution: DNS
location: MESH_EXTERNAL
endpoints: [{address: legacy.test.svc.cluster.local, ports: {http: 80}}]
`);
  await eventually(async () => {
    const { version, headers } = await callApi();
    assert.deepEqual([version, headers.host], ["legacy", "api.example.com"]);
  });
});

test("a VirtualService routes the host of a ServiceEntry", { skip }, async () => {
  await mesh.save(
    "api-route.yaml",
    `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: api, namespace: test}
spec:
  hosts: [api.example.com]
  http:
    - match: [{uri: {prefix: /inside}}]
      route: [{destination: {host: echo, port: {number: 80}}}]
    - route: [{destination: {host: api.example.com}}]
`,
  );
  await eventually(async () => {
    const inside = await callApi("/inside");
    assert.match(inside.version, /^v[12]$/);
  });
  const outside = await callApi();
  assert.equal(outside.version, "legacy");
  await mesh.remove("api-route.yaml");
});

test("REGISTRY_ONLY refuses whom the mesh doesn't know: 502 for HTTP, the end for TCP", {
  skip,
}, async () => {
  await outboundPolicy("REGISTRY_ONLY");
  await eventually(async () => {
    const { status } = await client.request({
      url: `http://${NOBODY}/`,
      host: "unknown.example.com",
      timeoutMs: 1_000,
    });
    assert.equal(status, 502);
  });
  await eventually(async () => {
    const refused = await client.request({ url: `http://${strayIp}:8080/`, isNew: true, timeoutMs: 3_000 });
    assert.match(refused.error ?? String(refused.status), /ECONNRESET|ECONNREFUSED/);
  });
  const { received } = await client.tcp({ host: strayIp, port: 9000, send: "hello\n", until: "hello" });
  assert.equal(received, "");
});

test("REGISTRY_ONLY goes on serving Services and ServiceEntries", { skip }, async () => {
  assert.match((await client.echo("http://echo/")).version, /^v[12]$/);
  const entry = await callApi();
  assert.equal(entry.version, "legacy");
});

test("ALLOW_ANY again lets them through again", { skip }, async () => {
  await outboundPolicy("ALLOW_ANY");
  await eventually(async () => {
    const { version } = await client.echo({ url: `http://${strayIp}:8080/`, isNew: true });
    assert.equal(version, "stray");
  });
});
