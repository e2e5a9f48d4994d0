// Around the proxy rather than through it: the pod's own address, the ports that capture its traffic, ports that no
// service names, what its proxy and agent serve, and objects that claim its address.

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../../mesh/eventually.ts";
import { logLines, rawRequest, type Tour, willLog } from "./tour-mesh.ts";

export function proveAddresses(tourOf: () => Tour, skip: false | string): void {
  const received = async (workload: string, port: number, send = "GET / HTTP/1.0\r\n\r\n") =>
    (await tourOf().attacker.tcp({ host: await tourOf().addressOf(workload), port, send, timeoutMs: 1_000 }))
      .received;

  test("a pod's own address is no way around its policies", { skip }, async () => {
    assert.equal((await rawRequest(tourOf(), { to: "echo-v1" })).status, 200);
    const { mark, status } = await rawRequest(tourOf(), { to: "echo-v1", target: "/admin" });
    assert.equal(status, 403);
    willLog(tourOf(), "echo-v1", mark, " 403 ", "policy[deny]-rule[0]");
    const url = `http://${await tourOf().addressOf("vault")}:8080/`;
    assert.equal(
      (await tourOf().second.request(url)).status,
      0,
      "without mTLS, which calls by address have not",
    );
  });

  test("the capturing ports lead nowhere", { skip }, async () => {
    for (const port of [15_001, 15_006]) {
      const { seen, status } = await rawRequest(tourOf(), { to: "echo-v1", port });
      assert.ok(seen === undefined && [0, 503].includes(status), `${port}: ${status}`);
      willLog(tourOf(), "echo-v1", "BlackHoleCluster", `:${port} `);
      assert.equal(await received("vault", port), "", "where mTLS is asked for, not even an answer");
    }
  });

  test("ports that no service names are behind the same policies", { skip }, async () => {
    const { mark, status } = await rawRequest(tourOf(), { to: "echo-v1", port: 8_081, target: "/admin" });
    assert.equal(status, 403);
    willLog(tourOf(), "echo-v1", mark, " 403 ", "policy[deny]-rule[0]");
    assert.equal(await received("vault", 9_002), "");
  });

  test("an excluded port is outside of the mesh, and no other is with it", { skip }, async () => {
    assert.match(await received("vault", 9_001), /^hello/, "as its pod's annotation asks");
    assert.equal(await received("vault", 9_000), "");
    willLog(tourOf(), "vault", " NR filter_chain_not_found ", ":9000 ");
  });

  test("of another pod's Envoy and agent there are metrics and readiness, and nothing else", {
    skip,
  }, async () => {
    const ask = (port: number, target: string, method = "GET") =>
      rawRequest(tourOf(), {
        to: "echo-v1",
        port,
        target,
        method,
        headers: ["content-length: 0", "x-meltemi-peer: 127.0.0.1"],
      });
    assert.equal((await ask(15_020, "/stats/prometheus")).status, 200);
    assert.equal((await ask(15_021, "/healthz/ready")).status, 200);
    for (const path of ["/quitquitquit", "/drain"]) {
      const { status, text } = await ask(15_020, path, "POST");
      assert.equal(status, 403, text);
      assert.match(text, /only from within the pod/);
      willLog(tourOf(), "echo-v1", "refused an order from outside of the pod", path);
    }
    for (const path of [
      "/config_dump",
      "/certs",
      "/logging",
      "/..%2fconfig_dump",
      "/app-health/../config_dump",
    ]) {
      for (const port of [15_020, 15_021, 15_090])
        assert.equal((await ask(port, path)).status, 404, `${port}${path}`);
    }
    const admin = await ask(15_000, "/config_dump");
    assert.equal(admin.status, 503, admin.text);
    willLog(tourOf(), "echo-v1", admin.mark, " 503 ", "Connection_refused");
    assert.equal(await received("vault", 15_000), "");
  });

  test("a WorkloadEntry that takes another pod's address changes nothing of that pod", { skip }, async () => {
    const { mesh, client, second } = tourOf();
    await mesh.save("thief.yaml", thief(await tourOf().addressOf("vault")));
    await eventually(async () => {
      await client.request({ url: "http://vault/", host: "thief.other", isNew: true });
      const lines = await logLines(tourOf(), "client");
      assert.ok(
        lines.some((line) => line.includes("outbound|80||thief.other")),
        "the entry is in force",
      );
    });
    await mesh.waitUntilInStep();
    assert.equal((await client.request({ url: "http://vault/", isNew: true })).status, 200);
    assert.equal((await second.request({ url: "http://vault/", isNew: true })).status, 403);
    assert.equal((await rawRequest(tourOf(), { to: "vault" })).status, 0);
    await mesh.remove("thief.yaml");
  });
}

/** In a namespace of its own: labels that no policy selects, and another's ServiceAccount. */
function thief(address: string): string {
  return `
apiVersion: v1
kind: Namespace
metadata: {name: other}
---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: thief, namespace: other}
spec: {address: ${address}, labels: {app: thief}, serviceAccount: thief, ports: {http: 8080}}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: thief, namespace: other}
spec:
  hosts: [thief.other]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  workloadSelector: {labels: {app: thief}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: thief, namespace: other}
spec: {selector: {matchLabels: {app: thief}}, mtls: {mode: DISABLE}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: thief, namespace: other}
spec: {selector: {matchLabels: {app: thief}}, rules: [{}]}
`;
}
