// Issue 3, item 1, as tests of a mesh that is started with or without root: what is on the wire between workloads,
// who the server sees, and who is refused.

import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { eventually } from "./eventually.ts";
import type { PodClient } from "./pod-client.ts";
import type { RunningMesh, StartMesh } from "./running-mesh.ts";
import { captureWire } from "./wire-capture.ts";

/** Declares the tests; to be called in a suite of their own. */
export function proveMutualTls(start: StartMesh): void {
  let mesh: RunningMesh;
  let client: PodClient;
  let legacy: PodClient;

  before(
    async () => {
      mesh = await start({ manifests: ["legacy.yaml"], files: { "policy.yaml": mode("STRICT") } });
      client = await mesh.client("client");
      legacy = await mesh.client("legacy");
    },
    { timeout: 120_000 },
  );
  after(() => mesh?.close());

  /** How often a marker that `call` sends is on the bridge in clear. */
  async function clearMarkerCount(call: (marker: string) => Promise<unknown>): Promise<number> {
    const id = `${process.pid}-${Math.random().toString(36).slice(2)}`;
    const capture = await captureWire(mesh, join(tmpdir(), `${id}.pcap`));
    let packets: Buffer;
    try {
      await call(`marker-${id}`);
      // When this one is caught, in clear by design, all before it is.
      await legacy.echo({ url: "http://legacy/", method: "POST", body: `last-${id}` });
      await eventually(async () => assert((await capture.packets()).includes(`last-${id}`)));
    } finally {
      packets = await capture.stop();
    }
    return packets.toString("latin1").split(`marker-${id}`).length - 1;
  }

  const sendHttp = (marker: string) => client.echo({ url: "http://echo/", method: "POST", body: marker });

  test("requests between two workloads are never on the wire in clear", async () => {
    assert.equal(await clearMarkerCount(sendHttp), 0, "HTTP");
    assert.equal(await clearMarkerCount((marker) => client.say("echo:9090", [marker])), 0, "gRPC");
    const sendTcp = (marker: string) =>
      client.tcp({ host: "echo", port: 9000, send: marker, until: marker.slice(-8) });
    assert.equal(await clearMarkerCount(sendTcp), 0, "TCP");
  });

  test("a request to a workload outside the mesh is on the wire in clear: the capture's control run", async () => {
    const sent = (marker: string) => client.echo({ url: "http://legacy/", method: "POST", body: marker });
    assert((await clearMarkerCount(sent)) > 0);
  });

  test("the server sees who calls as a SPIFFE id, whatever the caller says of himself", async () => {
    const forged = { "x-forwarded-client-cert": "URI=spiffe://cluster.local/ns/test/sa/forged" };
    const { headers } = await client.echo({ url: "http://echo/", headers: forged });
    const certificate = headers["x-forwarded-client-cert"] ?? "";
    assert.match(certificate, /URI=spiffe:\/\/cluster\.local\/ns\/test\/sa\/client/);
    assert.match(certificate, /By=spiffe:\/\/cluster\.local\/ns\/test\/sa\/echo/);
    assert.doesNotMatch(certificate, /forged/);
  });

  test("a ServiceEntry's server is believed under the names that the entry gives it, and no other", async () => {
    const [pod] = await mesh.pods("echo-v1");
    const save = (account: string) => mesh.save("entry.yaml", entryOf(pod?.ip ?? "", account));
    const status = async () =>
      (await client.request({ url: "http://198.51.100.20/", host: "named.example" })).status;
    await save("echo");
    await eventually(async () => assert.equal(await status(), 200));
    await save("somebody-else");
    await eventually(async () => assert.equal(await status(), 503));
    await mesh.remove("entry.yaml");
  });

  test("STRICT refuses plain text from a pod outside the mesh, HTTP and TCP", async () => {
    const refused = await legacy.request({ url: "http://echo/", isNew: true });
    assert.equal(refused.status, 0, refused.body);
    assert.match(refused.error ?? "", /ECONNRESET|socket hang up/);
    const { received } = await legacy.tcp({
      host: "echo",
      port: 9000,
      send: "x",
      until: "x",
      timeoutMs: 1_000,
    });
    assert.equal(received, "");
    const banner = await legacy.tcp({ host: "echo", port: 9001, until: "hello", timeoutMs: 1_000 });
    assert.equal(banner.received, "", "nor does a server that speaks first say anything");
  });

  test("PERMISSIVE accepts plain text from outside the mesh and mTLS from inside", async () => {
    await mesh.save("policy.yaml", mode("PERMISSIVE"));
    const plain = await eventually(() => legacy.echo({ url: "http://echo/", isNew: true }));
    assert.equal(plain.headers["x-forwarded-client-cert"], undefined);
    // The other pod's proxy may be told a moment later.
    await eventually(async () => {
      const line = { host: "echo", port: 9000, send: "a whole line\n", until: "line" };
      assert.match((await legacy.tcp(line)).received, /^v[12]:a whole line/);
    });
    const { headers } = await client.echo("http://echo/");
    assert.match(headers["x-forwarded-client-cert"] ?? "", /sa\/client/);
    assert.equal(await clearMarkerCount(sendHttp), 0);
  });

  test("DISABLE has callers in the mesh send plain text: the capture's other control run", async () => {
    await mesh.save("policy.yaml", mode("DISABLE"));
    // Connections from before are used until the servers' old listeners have drained.
    await eventually(async () => assert((await clearMarkerCount(sendHttp)) > 0));
  });
}

function mode(name: "STRICT" | "PERMISSIVE" | "DISABLE"): string {
  return `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: echo, namespace: test}
spec:
  selector: {matchLabels: {app: echo}}
  mtls: {mode: ${name}}
`;
}

/** Of a server whose ServiceAccount the mesh isn't told. */
function entryOf(address: string, account: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: named, namespace: test}
spec:
  hosts: [named.example]
  addresses: [198.51.100.20]
  location: MESH_INTERNAL
  resolution: STATIC
  subjectAltNames: [spiffe://cluster.local/ns/test/sa/${account}]
  ports: [{number: 80, name: http, protocol: HTTP, targetPort: 8080}]
  endpoints: [{address: ${address}, labels: {security.istio.io/tlsMode: istio}}]
`;
}
