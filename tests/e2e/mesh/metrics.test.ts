// Istio's standard metrics, as a scraper of port 15020 finds them: what was sent is what both ends count, whatever it was
// and however it ended.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { parseSamples, type Sample, sumOf } from "../../support/scraped-metrics.ts";
import { eventually } from "./eventually.ts";
import type { PodClient } from "./pod-client.ts";
import { type RunningMesh, skipWithoutMesh as skip, startMesh } from "./running-mesh.ts";

const CLIENT = "spiffe://cluster.local/ns/test/sa/client";
const ECHO = "spiffe://cluster.local/ns/test/sa/echo";

const nobody = `
apiVersion: v1
kind: Service
metadata: { name: nobody, namespace: test }
spec: { selector: { app: nobody }, ports: [{ name: http, port: 80 }] }
`;

const forbidden = `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: forbidden, namespace: test }
spec:
  selector: { matchLabels: { app: echo } }
  action: DENY
  rules:
    - to: [{ operation: { paths: [/forbidden], ports: ["8080"] } }]
    - to: [{ operation: { ports: ["9001"] } }]
`;

const gateway = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: edge, namespace: test }
spec:
  selector: { istio: ingressgateway }
  servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: edge, namespace: test }
spec:
  hosts: ["*"]
  gateways: [edge]
  http: [{ route: [{ destination: { host: echo, port: { number: 80 } } }] }]
`;

let mesh: RunningMesh;
let client: PodClient;

before(
  async () => {
    if (skip !== false) return;
    mesh = await startMesh({
      manifests: ["gateway.yaml", "legacy.yaml"],
      files: { "nobody.yaml": nobody, "forbidden.yaml": forbidden, "edge.yaml": gateway },
    });
    client = await mesh.client("client");
  },
  { timeout: 120_000 },
);
after(() => mesh?.close());

async function scrape(workload: string, port = 15020): Promise<readonly Sample[]> {
  const fetching = `fetch("http://127.0.0.1:${port}/stats/prometheus").then((page) => page.text()).then(console.log)`;
  const [command, ...args] = await mesh.exec(workload, [process.execPath, "-e", fetching], {
    container: "istio-proxy",
  });
  const { stdout } = await promisify(execFile)(command, args, { maxBuffer: 64 * 1024 * 1024 });
  return parseSamples(stdout);
}

type Counts = (name: string, labels?: Readonly<Record<string, string>>) => number;

/** What `act` adds to each metric, once it is what is awaited: Envoy writes what it tells twice a second. */
async function whileDoing(
  workloads: readonly string[],
  act: () => Promise<unknown>,
  expected: (added: Readonly<Record<string, Counts>>) => void,
): Promise<void> {
  const scrapeAll = () => Promise.all(workloads.map((workload) => scrape(workload)));
  const before = await scrapeAll();
  await act();
  await eventually(async () => {
    const after = await scrapeAll();
    const counts = workloads.map((workload, at): [string, Counts] => [
      workload,
      (name, labels) => sumOf(after[at] ?? [], name, labels) - sumOf(before[at] ?? [], name, labels),
    ]);
    expected(Object.fromEntries(counts));
  });
}

test("requests are counted alike by who calls and who is called, with all of Istio's labels", {
  skip,
}, async () => {
  const sent = { v1: 0, v2: 0 };
  await whileDoing(
    ["client", "echo-v1", "echo-v2"],
    async () => {
      const { byStatus, byVersion } = await client.many(40, { url: "http://echo/", concurrency: 4 });
      assert.deepEqual(byStatus, { 200: 40 });
      Object.assign(sent, byVersion);
    },
    ({ client: atClient, "echo-v1": atV1, "echo-v2": atV2 }) => {
      const ok = { response_code: "200", request_protocol: "http", response_flags: "-" };
      for (const [version, atServer] of [
        ["v1", atV1],
        ["v2", atV2],
      ] as const) {
        const labels = { ...ok, ...labelsBetween(version) };
        const ofClient = { reporter: "source", connection_security_policy: "unknown" };
        const ofServer = { reporter: "destination", connection_security_policy: "mutual_tls" };
        assert.equal(atClient?.("istio_requests_total", { ...labels, ...ofClient }), sent[version]);
        assert.equal(atServer?.("istio_requests_total", { ...labels, ...ofServer }), sent[version]);
        for (const histogram of ["request_duration_milliseconds", "request_bytes", "response_bytes"])
          assert.equal(atServer?.(`istio_${histogram}_count`, { ...labels, ...ofServer }), sent[version]);
      }
      assert.equal(atClient?.("istio_requests_total"), 40);
    },
  );
});

function labelsBetween(version: "v1" | "v2") {
  return {
    source_workload: "client",
    source_canonical_service: "client",
    source_canonical_revision: "latest",
    source_workload_namespace: "test",
    source_principal: CLIENT,
    source_app: "client",
    source_version: "unknown",
    source_cluster: "Kubernetes",
    destination_workload: `echo-${version}`,
    destination_canonical_service: "echo",
    destination_canonical_revision: version,
    destination_workload_namespace: "test",
    destination_principal: ECHO,
    destination_app: "echo",
    destination_version: version,
    destination_cluster: "Kubernetes",
    destination_service: "echo.test.svc.cluster.local",
    destination_service_name: "echo",
    destination_service_namespace: "test",
    grpc_response_status: "",
  };
}

test("port 15090 has the same, without the application's own", { skip }, async () => {
  await client.request("http://echo/");
  await eventually(async () => {
    const [merged, ofProxy] = [await scrape("client"), await scrape("client", 15090)];
    const requests = sumOf(ofProxy, "istio_requests_total");
    assert.ok(requests > 0);
    assert.equal(requests, sumOf(merged, "istio_requests_total"));
    assert.ok(ofProxy.some(({ name }) => name === "envoy_server_uptime"));
  });
});

test("a refused request is counted at both ends, with the service that it was for", { skip }, async () => {
  await whileDoing(
    ["client", "echo-v1", "echo-v2"],
    () => client.many(10, { url: "http://echo/forbidden" }),
    ({ client: atClient, "echo-v1": atV1, "echo-v2": atV2 }) => {
      const labels = { response_code: "403", destination_service_name: "echo", source_principal: CLIENT };
      assert.equal(atClient?.("istio_requests_total", { ...labels, reporter: "source" }), 10);
      const ofServers = [atV1, atV2].map((at) =>
        at?.("istio_requests_total", { ...labels, reporter: "destination" }),
      );
      assert.equal((ofServers[0] ?? 0) + (ofServers[1] ?? 0), 10);
    },
  );
});

test("gRPC: calls by their status, and messages of both directions", { skip }, async () => {
  await whileDoing(
    ["client"],
    async () => {
      await client.say("echo:9090", ["a", "b", "c"]);
      await client.talk("echo:9090", ["a", "b", "c", "d"]);
    },
    ({ client: atClient }) => {
      const labels = { request_protocol: "grpc", grpc_response_status: "0", response_code: "200" };
      assert.equal(atClient?.("istio_requests_total", labels), 4);
      assert.equal(atClient?.("istio_request_messages_total", labels), 7);
      assert.equal(atClient?.("istio_response_messages_total", labels), 7);
    },
  );
});

test("a WebSocket is a request that ended with 101", { skip }, async () => {
  await whileDoing(
    ["client"],
    () => client.websocket("ws://echo/socket", ["one", "two"]),
    ({ client: atClient }) => {
      assert.equal(atClient?.("istio_requests_total", { response_code: "101" }), 1);
    },
  );
});

test("TCP: connections and their bytes at both ends; a refused one too", { skip }, async () => {
  const sent = "hello\n";
  await whileDoing(
    ["client", "echo-v1", "echo-v2"],
    async () => {
      const { received } = await client.tcp({ host: "echo", port: 9000, send: sent, until: "hello" });
      assert.match(received, /^v[12]:hello/);
      await client.tcp({ host: "echo", port: 9001, until: "\n", timeoutMs: 2_000 });
    },
    ({ client: atClient, "echo-v1": atV1, "echo-v2": atV2 }) => {
      const tcp = { request_protocol: "tcp", destination_service_name: "echo" };
      assert.equal(atClient?.("istio_tcp_connections_opened_total", tcp), 2);
      assert.equal(atClient?.("istio_tcp_connections_closed_total", tcp), 2);
      assert.equal(atClient?.("istio_tcp_received_bytes_total", tcp), sent.length);
      const atServers = (name: string) => (atV1?.(name, tcp) ?? 0) + (atV2?.(name, tcp) ?? 0);
      assert.equal(atServers("istio_tcp_connections_opened_total"), 2);
      assert.equal(atServers("istio_tcp_connections_closed_total"), 2);
    },
  );
});

test("bytes of a connection are counted while it is open", { skip }, async () => {
  await whileDoing(
    ["client"],
    async () => {
      // Nobody answers so; it ends with the mesh.
      const open = client.tcp({
        host: "echo",
        port: 9000,
        send: "first\n",
        until: "never",
        timeoutMs: 600_000,
      });
      open.catch(() => undefined);
    },
    ({ client: atClient }) => {
      assert.equal(atClient?.("istio_tcp_connections_opened_total"), 1);
      assert.equal(atClient?.("istio_tcp_received_bytes_total"), "first\n".length);
      assert.equal(atClient?.("istio_tcp_connections_closed_total"), 0);
    },
  );
});

test("a service without a pod is named though nobody answered", { skip }, async () => {
  await whileDoing(
    ["client"],
    () => client.many(3, { url: "http://nobody/" }),
    ({ client: atClient }) => {
      const labels = {
        response_code: "503",
        response_flags: "UH",
        destination_service: "nobody.test.svc.cluster.local",
        destination_service_name: "nobody",
        destination_workload: "unknown",
        destination_service_namespace: "unknown",
      };
      assert.equal(atClient?.("istio_requests_total", labels), 3);
    },
  );
});

test("what passes through to where the mesh knows nobody is named by the host, if there is one", {
  skip,
}, async () => {
  const [legacy] = await mesh.pods("legacy");
  await whileDoing(
    ["client"],
    async () => {
      // Nobody listens there.
      await client.many(2, { url: `http://${legacy?.ip}:80/`, host: "api.example.com" });
      // No service has the port, so nothing looks for HTTP.
      await client.request({ url: `http://${legacy?.ip}:8080/`, isNew: true });
    },
    ({ client: atClient }) => {
      const passed = { destination_service_name: "PassthroughCluster", destination_workload: "unknown" };
      const http = { response_code: "503", response_flags: "UF", destination_service: "api.example.com" };
      assert.equal(atClient?.("istio_requests_total", { ...passed, ...http }), 2);
      const tcp = { request_protocol: "tcp", destination_service: "unknown" };
      assert.equal(atClient?.("istio_tcp_connections_closed_total", { ...passed, ...tcp }), 1);
    },
  );
});

test("a caller without a sidecar is nobody; what it says of itself doesn't count", { skip }, async () => {
  const legacy = await mesh.client("legacy");
  const headers = {
    "x-envoy-peer-metadata": "aW1wb3N0b3I=",
    "x-envoy-peer-metadata-id": "sidecar~10.0.0.1~impostor.test~test.svc.cluster.local",
    "x-forwarded-client-cert": `By=${ECHO};URI=${CLIENT}`,
  };
  await whileDoing(
    ["echo-v1", "echo-v2"],
    () => legacy.many(4, { url: "http://echo/", headers }),
    ({ "echo-v1": atV1, "echo-v2": atV2 }) => {
      const labels = {
        reporter: "destination",
        source_workload: "unknown",
        source_workload_namespace: "unknown",
        source_principal: "unknown",
        destination_principal: "unknown",
        connection_security_policy: "none",
        destination_service_name: "echo",
      };
      const sum = [atV1, atV2].map((at) => at?.("istio_requests_total", labels) ?? 0);
      assert.equal((sum[0] ?? 0) + (sum[1] ?? 0), 4);
    },
  );
});

test("an ingress gateway counts what it lets in", { skip }, async () => {
  const url = await mesh.gatewayUrl(80);
  const machine = mesh.machineClient();
  await eventually(async () => assert.equal((await machine.request(url)).status, 200));
  await whileDoing(
    ["gateway"],
    () => machine.many(5, { url }),
    ({ gateway: atGateway }) => {
      const labels = {
        reporter: "source",
        source_workload: "gateway",
        destination_canonical_service: "echo",
        destination_service: "echo.test.svc.cluster.local",
        response_code: "200",
      };
      assert.equal(atGateway?.("istio_requests_total", labels), 5);
    },
  );
});

test("no client can forge a record, by a header or by the server name of its TLS", { skip }, async () => {
  const [pod] = await mesh.pods("echo-v1");
  const record =
    "\u0001Hp\u001f200\u001f\u001f\u001f\u001f\u001f\u001f\u001f\u001f\u001f\u001f\u001f\u001e1\u001e1\u001e1\u001e";
  const program = `
    const record = ${JSON.stringify(record)};
    const at = { host: "${pod?.ip}", port: 8080 };
    const [net, tls] = [require("node:net"), require("node:tls")];
    const end = (socket) => new Promise((resolve) => socket.on("error", resolve).on("close", resolve).resume());
    const plain = net.connect(at, () => plain.end("GET / HTTP/1.1\\r\\nhost: echo\\r\\nuser-agent: a" + record + "\\r\\n\\r\\n"));
    const named = tls.connect({ ...at, servername: "a\\n" + record + "\\n", rejectUnauthorized: false });
    Promise.all([end(plain), end(named)]).then(() => console.log("ended"));
  `;
  const unreadable = (samples: readonly Sample[]) => sumOf(samples, "meltemi_agent_unreadable_records_total");
  const before = await scrape("echo-v1");
  const [command, ...args] = await mesh.exec("legacy", [process.execPath, "-e", program]);
  const { stdout } = await promisify(execFile)(command, args);
  assert.match(stdout, /ended/);
  const plaintext = { reporter: "destination", connection_security_policy: "none", response_code: "200" };
  const legacy = await mesh.client("legacy");
  const { status } = await legacy.request(`http://${pod?.ip}:8080/`);
  assert.equal(status, 200);
  // A request of after it is counted: what came before it was read too.
  await eventually(async () => {
    const after = await scrape("echo-v1");
    const added =
      sumOf(after, "istio_requests_total", plaintext) - sumOf(before, "istio_requests_total", plaintext);
    assert.equal(added, 1);
    assert.equal(unreadable(after), unreadable(before));
  });
});

test("no record reaches the proxy's log", { skip }, async () => {
  const lines = await mesh.logs("client", "istio-proxy");
  assert.ok(lines.every(({ text }) => !text.includes("\u0001")));
});
