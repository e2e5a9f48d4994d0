// What comes in to a workload's ports, declared by a Service or not: each port's mTLS mode holds, and what changes
// nothing for them closes no connection.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { holdStreams } from "../lifecycle/long-streams.ts";
import { proxyCounters } from "../lifecycle/proxy-state.ts";
import { eventually } from "./eventually.ts";
import type { PodClient } from "./pod-client.ts";
import type { RunningMesh } from "./running-mesh.ts";
import { skipWithoutMesh as skip, startMesh } from "./running-mesh.ts";
import type { ServerCertificate } from "./server-certificate.ts";
import { makeServerCertificate, tlsSecret } from "./server-certificate.ts";

const DRAIN_SECONDS = 1;
const meshConfig = `
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data: {mesh: "defaultConfig: {drainDuration: ${DRAIN_SECONDS}s}"}
`;
// A port of unknown protocol where the application ends TLS itself, and one where the server speaks first.
const sniffedService = `
apiVersion: v1
kind: Service
metadata: {name: sniffed, namespace: test}
spec:
  selector: {app: tls-server}
  ports: [{name: secure, port: 8443}, {name: tcp-banner, port: 9001}]
`;

let mesh: RunningMesh;
let client: PodClient;
let legacy: PodClient;
let certificate: ServerCertificate;

before(
  async () => {
    if (skip !== false) return;
    certificate = await makeServerCertificate("sniffed");
    mesh = await startMesh({
      manifests: ["legacy.yaml", "tls-server.yaml"],
      files: {
        "mesh-config.yaml": meshConfig,
        "tls-server-secret.yaml": tlsSecret("tls-server", certificate),
        "sniffed.yaml": sniffedService,
      },
    });
    [client, legacy] = await Promise.all([mesh.client("client"), mesh.client("legacy")]);
  },
  { timeout: 120_000 },
);
after(() => mesh?.close());

// Longer than what could still become an HTTP request.
const LINE = { send: "a line\n", until: "line" };

/** For the workload `tls-server`, whose port 8080 no Service names. */
function policy(mode: string, ofPorts: string): Promise<void> {
  return mesh.save(
    "policy.yaml",
    `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: tls-server, namespace: test}
spec:
  selector: {matchLabels: {app: tls-server}}
  mtls: {mode: ${mode}}
  portLevelMtls: {${ofPorts}}
`,
  );
}

async function addressOf(workload: string): Promise<string> {
  return (await mesh.pods(workload))[0]?.ip ?? "";
}

test("HTTP to a port that no Service names is HTTP to the server's sidecar", { skip }, async () => {
  const { headers } = await legacy.echo(`http://${await addressOf("tls-server")}:8080/`);
  // Envoy as an HTTP proxy tells where a request came from; as a proxy of bytes it can't.
  assert.ok(headers["x-request-id"] !== undefined, JSON.stringify(headers));
});

test("a port that no Service names is STRICT where portLevelMtls says so", { skip }, async () => {
  const url = `http://${await addressOf("tls-server")}`;
  await policy("PERMISSIVE", "8080: {mode: STRICT}");
  await eventually(async () => {
    const { error } = await legacy.request({ url: `${url}:8080/`, isNew: true });
    assert.match(error ?? "", /ECONNRESET|socket hang up/);
  });
  const other = await legacy.tcp({ host: await addressOf("tls-server"), port: 9000, ...LINE });
  assert.equal(other.received, "tls-server:a line\n");
});

test("a port that no Service names takes plain text where portLevelMtls says DISABLE", { skip }, async () => {
  const host = await addressOf("tls-server");
  await policy("STRICT", "8080: {mode: DISABLE}");
  await eventually(async () => {
    const { error } = await legacy.tcp({ host, port: 9000, ...LINE });
    assert.ok(error === "ENDED" || error === "ECONNRESET", error);
  });
  assert.equal((await legacy.echo({ url: `http://${host}:8080/`, isNew: true })).version, "tls-server");
});

test("the application's own HTTPS passes a port of unknown protocol without mTLS", { skip }, async () => {
  await policy("STRICT", "8443: {mode: DISABLE}, 9001: {mode: DISABLE}");
  const ca = certificate.certificatePem;
  for (const caller of [legacy, client]) {
    const echo = await eventually(() => caller.echo({ url: "https://sniffed:8443/", ca, isNew: true }));
    assert.equal(echo.version, "tls-server");
  }
});

test("a server without mTLS may speak first", { skip }, async () => {
  const { received } = await legacy.tcp({ host: "sniffed", port: 9001, until: "hello", timeoutMs: 3_000 });
  assert.match(received, /^hello from tls-server/);
});

test("one more Service, or a policy that changes nothing, closes no connection", { skip }, async () => {
  const replaced = async () =>
    (await proxyCounters(mesh, "echo-v1"))["listener_manager.listener_in_place_updated"];
  const before = await replaced();
  const streams = await holdStreams(mesh, "client", "echo");
  await mesh.save("second.yaml", SECOND_SERVICE);
  await eventually(() => client.echo("http://canary:8000/"));
  await mesh.save("second-policy.yaml", PERMISSIVE_POLICY);
  await mesh.save("third.yaml", SECOND_SERVICE.replaceAll("canary", "preview"));
  await eventually(() => client.echo("http://preview:8000/"));
  await wait(2 * DRAIN_SECONDS * 1_000);
  for (const [kind, { count, error }] of Object.entries(await streams.stop())) {
    assert.equal(error, undefined, `${kind}: ${error}`);
    assert.ok(count > 10, `${kind}: ${count} answers`);
  }
  assert.ok(before !== undefined);
  assert.equal(await replaced(), before);
});

test("turning plaintext off closes plaintext connections, and none of the mesh", { skip }, async () => {
  await mesh.remove("policy.yaml");
  await eventually(() => legacy.echo({ url: "http://echo/", isNew: true }));
  const streams = await holdStreams(mesh, "client", "echo");
  const plaintext = await legacy.load({ url: "http://echo/", connections: 1, pauseMs: 20 });
  await mesh.save("second-policy.yaml", PERMISSIVE_POLICY.replace("PERMISSIVE", "STRICT"));
  await eventually(async () => {
    const { error } = await legacy.request({ url: "http://echo/", isNew: true });
    assert.match(error ?? "", /ECONNRESET|socket hang up/);
  });
  await wait(2 * DRAIN_SECONDS * 1_000);
  const { failures } = await plaintext.stop();
  assert.ok(failures.length > 0, "the plaintext connection is closed");
  for (const [kind, { count, error }] of Object.entries(await streams.stop())) {
    assert.equal(error, undefined, `${kind}: ${error}`);
    assert.ok(count > 10, `${kind}: ${count} answers`);
  }
});

// Before `echo` by name: it is the first of the port's services from then on.
const SECOND_SERVICE = `
apiVersion: v1
kind: Service
metadata: {name: canary, namespace: test}
spec:
  selector: {app: echo}
  ports:
    - {name: http, port: 8000, targetPort: 8080}
    - {name: grpc, port: 8001, targetPort: 9090}
    - {name: tcp, port: 8002, targetPort: 9000}
`;
const PERMISSIVE_POLICY = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: test}
spec: {mtls: {mode: PERMISSIVE}}
`;
