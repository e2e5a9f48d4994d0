import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eventually } from "../e2e/mesh/eventually.ts";
import type { PodClient } from "../e2e/mesh/pod-client.ts";
import { clientArgv, startPodClient } from "../e2e/mesh/pod-client.ts";
import { parseSamples, sumOf } from "../support/scraped-metrics.ts";
import type { Cluster } from "./cluster/open-cluster.ts";
import { testCluster, whyNoTestCluster } from "./cluster/open-cluster.ts";
import {
  callerPod,
  echoDeployment,
  echoPod,
  echoService,
  echoStatefulSet,
  onceJob,
  onceTemplate,
} from "./echo-application.ts";
import type { Meltemi } from "./meltemi-command.ts";
import { meltemiAgainst } from "./meltemi-command.ts";
import type { TestNamespace } from "./test-namespace.ts";
import { createTestNamespace } from "./test-namespace.ts";

const skip = whyNoTestCluster();

// Installed by our installer, injected by the namespace's label, shown by traffic between pods of two nodes.
describe("traffic on a cluster", { skip }, () => {
  let cluster: Cluster;
  let meltemi: Meltemi;
  let namespace: TestNamespace;
  let client: PodClient;
  let outsider: PodClient;
  let isInstalled = false;

  before(async () => {
    cluster = testCluster();
    meltemi = meltemiAgainst(cluster);
    isInstalled = true;
    await meltemi(["install", "--timeout", "180s"]);
    const labels = { "istio-injection": "enabled" };
    namespace = await createTestNamespace(cluster, `traffic-test-${process.pid}`, labels);
    const isOutside = { labels: { "sidecar.istio.io/inject": "false" } };
    await namespace.apply([
      echoDeployment(),
      echoDeployment({ workload: "echo-v2", version: "v2", replicas: 1 }),
      echoService(),
      echoVersions(),
      callerPod("client"),
      callerPod("outsider", isOutside),
    ]);
    await namespace.waitForRollout("deployment/echo");
    await namespace.waitForRollout("deployment/echo-v2");
    await namespace.waitFor("condition=Ready", "pod/client", "pod/outsider");
    client = namespace.client("client");
    outsider = namespace.client("outsider");
  });

  after(async () => {
    await namespace?.close();
    if (isInstalled) await meltemi(["uninstall", "--yes", "--purge"]);
  });

  /** Resolves when the caller's proxy routes by these items of `spec.http`. */
  const route = async (...http: readonly object[]) => {
    const edit = Math.random().toString(36).slice(2);
    const marker = {
      match: [{ uri: { exact: "/edit-in-force" } }],
      directResponse: { status: 200, body: { string: edit } },
    };
    await namespace.apply([virtualService("echo", { hosts: ["echo"], http: [marker, ...http] })]);
    await eventually(async () => {
      assert.equal((await client.request("http://echo/edit-in-force")).body, edit);
    });
  };

  test("calls between nodes are by mutual TLS with the ServiceAccounts' identities", async () => {
    const pods = await namespace.list<Pod>("pods", "app=echo");
    const nodesByPod = new Map(pods.map(({ metadata, spec }) => [metadata.name, spec.nodeName]));
    const seen = new Set<string | undefined>();
    for (let call = 0; call < 60 && seen.size < 2; call += 1) {
      const { headers, pod } = await client.echo("http://echo/");
      seen.add(nodesByPod.get(pod));
      const identity = `URI=spiffe://cluster.local/ns/${namespace.name}/sa/default`;
      assert.ok(headers["x-forwarded-client-cert"]?.includes(identity), headers["x-forwarded-client-cert"]);
    }
    assert.deepEqual([...seen].sort(), ["node-1", "node-2"]);
  });

  test("both ends count a request, each with the other's workload as its certificate has it", async () => {
    const [pod] = await namespace.list<Pod>("pods", "version=v2");
    const scrape = async (name: string) => {
      const path = `/api/v1/namespaces/${namespace.name}/pods/${name}:15020/proxy/stats/prometheus`;
      return parseSamples(await namespace.kubectl(["get", "--raw", path]));
    };
    await route({ route: [toVersion("v2")] });
    const { byStatus } = await client.many(10, { url: "http://echo/counted" });
    assert.deepEqual(byStatus, { 200: 10 });
    const labels = {
      source_workload: "client",
      source_workload_namespace: namespace.name,
      destination_workload: "echo-v2",
      destination_version: "v2",
      destination_service_name: "echo",
      response_code: "200",
    };
    await eventually(async () => {
      const atClient = await scrape("client");
      const atServer = await scrape(pod?.metadata.name ?? "");
      const counts = [
        sumOf(atClient, "istio_requests_total", { ...labels, reporter: "source" }),
        sumOf(atServer, "istio_requests_total", { ...labels, reporter: "destination" }),
      ];
      assert.ok((counts[0] ?? 0) >= 10, counts.join());
      assert.equal(counts[0], counts[1]);
    });
  });

  test("weights split requests between two versions", async () => {
    await route({ route: [toVersion("v1", 80), toVersion("v2", 20)] });
    const { byStatus, byVersion } = await client.many(500, { url: "http://echo/" });
    assert.deepEqual(byStatus, { 200: 500 });
    // Of 500 requests 100 ± 9 (one standard deviation) are expected.
    const { v2 = 0 } = byVersion;
    assert.ok(v2 > 55 && v2 < 145, `${v2} of 500 requests came to v2, 20 % are wanted`);
  });

  test("a fault answers in place of the server, and goes with its VirtualService", async () => {
    const fault = { abort: { httpStatus: 418, percentage: { value: 100 } } };
    await route({ fault, route: [toVersion("v1")] });
    assert.equal((await client.request("http://echo/")).status, 418);
    await namespace.kubectl(["delete", "virtualservice", "echo"]);
    await eventually(() => client.echo("http://echo/"));
  });

  test("retries ask a failing server again, and without them its failure is the answer", async () => {
    const v2 = { route: [toVersion("v2")] };
    await route({ ...v2, retries: { attempts: 3, retryOn: "5xx", backoff: "1ms" } });
    const { attempt } = await client.echo("http://echo/?fail=2&key=healed");
    assert.equal(attempt, 3);
    await route({ ...v2, retries: { attempts: 0 } });
    assert.equal((await client.request("http://echo/?fail=2&key=failed")).status, 503);
    await namespace.kubectl(["delete", "virtualservice", "echo"]);
  });

  test("requests stay in the zone of the caller's node until the server there fails", async () => {
    const caller = await namespace.get<Pod>("pod/client");
    const servers = await namespace.list<Pod>("pods", "app=echo,version=v1");
    const namesWhere = (isNear: boolean) =>
      servers
        .filter(({ spec }) => (spec.nodeName === caller.spec.nodeName) === isNear)
        .map(({ metadata }) => metadata.name);
    const askedPods = async () => Object.keys((await client.many(20, { url: "http://echo/" })).byPod);
    const outlierDetection = { consecutive5xxErrors: 1, baseEjectionTime: "60s", maxEjectionPercent: 100 };
    await namespace.apply([echoVersions({ trafficPolicy: { outlierDetection } })]);
    await route({ route: [toVersion("v1")] });
    await eventually(async () => assert.deepEqual(await askedPods(), namesWhere(true)));
    await client.request("http://echo/?status=503");
    await eventually(async () => assert.deepEqual(await askedPods(), namesWhere(false)));
    await namespace.apply([echoVersions()]);
    await namespace.kubectl(["delete", "virtualservice", "echo"]);
  });

  test("STRICT refuses plaintext between nodes", async () => {
    await outsider.echo({ url: "http://echo/", isNew: true });
    await namespace.apply([
      {
        apiVersion: "security.istio.io/v1",
        kind: "PeerAuthentication",
        metadata: { name: "default" },
        spec: { mtls: { mode: "STRICT" } },
      },
    ]);
    await eventually(async () => {
      const { status, error } = await outsider.request({ url: "http://echo/", isNew: true });
      assert.deepEqual([status, error], [0, "ECONNRESET"]);
    });
    await client.echo("http://echo/");
  });

  test("probes of every kind reach an app behind STRICT, and their failure reaches kubelet", async () => {
    await namespace.apply([
      echoPod("probed", {
        container: {
          startupProbe: { httpGet: { path: "/", port: "http" }, periodSeconds: 1 },
          livenessProbe: { exec: { command: ["node", "-e", "0"] }, timeoutSeconds: 10 },
          readinessProbe: { tcpSocket: { port: 9000 }, periodSeconds: 1 },
        },
      }),
      echoPod("failing", {
        container: { readinessProbe: { httpGet: { path: "/?status=500", port: 8080 } } },
      }),
    ]);
    await namespace.waitFor("condition=Ready", "pod/probed");
    await eventually(
      async () => {
        const ofPod = "involvedObject.name=failing,reason=Unhealthy";
        const events = await namespace.kubectl(["get", "events", "--field-selector", ofPod]);
        assert.match(events, /HTTP probe failed with statuscode: 500/);
      },
      { deadlineMs: 60_000 },
    );
    const { status } = await namespace.get<Pod>("pod/failing");
    assert.equal(status.containerStatuses.find(({ name }) => name === "app")?.ready, false);
  });

  test("a StatefulSet's pods are called by their names, by mutual TLS", async () => {
    await namespace.apply(echoStatefulSet("web"));
    await namespace.waitForRollout("statefulset/web");
    for (const pod of ["web-0", "web-1"]) {
      const said = await eventually(() => client.echo(`http://${pod}.web:8080/`));
      assert.equal(said.pod, pod);
      assert.match(said.headers["x-forwarded-client-cert"] ?? "", /URI=spiffe:/);
    }
    const either = await client.echo("http://web:8080/");
    assert.match(either.pod, /^web-[01]$/);
  });

  test("Jobs complete with a native sidecar, and with a classic one that is told to quit", async () => {
    const call = "curl -sSf --retry 9 --retry-all-errors http://echo/";
    const quit = "curl -sSf -X POST http://127.0.0.1:15020/quitquitquit";
    await namespace.apply([
      onceJob("native", call, { "sidecar.istio.io/nativeSidecar": "true" }),
      onceJob("classic", `${call} && ${quit}`, { "sidecar.istio.io/nativeSidecar": "false" }),
    ]);
    await namespace.waitFor("condition=Complete", "job/native", "job/classic");
  });

  test("holdApplicationUntilProxyStarts lets an app call at its very start", async () => {
    const { metadata, spec } = onceTemplate("curl -sSf --max-time 30 http://echo/", {
      "proxy.istio.io/config": "holdApplicationUntilProxyStarts: true",
      "sidecar.istio.io/nativeSidecar": "false",
    });
    await namespace.apply([{ apiVersion: "v1", kind: "Pod", metadata: { ...metadata, name: "held" }, spec }]);
    const state = '.status.containerStatuses[?(@.name=="app")].state.terminated';
    await namespace.waitFor(`jsonpath={${state}.reason}`, "pod/held");
    const { status } = await namespace.get<Pod>("pod/held");
    const app = status.containerStatuses.find(({ name }) => name === "app");
    assert.equal(app?.state?.terminated?.exitCode, 0);
  });

  test("the ingress gateway routes requests from outside to pods, by mutual TLS", async () => {
    const hosts = ["echo.example"];
    const server = { port: { number: 80, name: "http", protocol: "HTTP" }, hosts };
    await namespace.apply([
      meshObject("Gateway", "echo", { selector: { istio: "ingressgateway" }, servers: [server] }),
      virtualService("outside", { hosts, gateways: ["echo"], http: [{ route: [toVersion("v2")] }] }),
    ]);
    const service = ["-n", "meltemi-ingress", "get", "service", "istio-ingressgateway"];
    const port = '.spec.ports[?(@.name=="http2")].nodePort';
    const nodePort = Number(await cluster.kubectl([...service, "-o", `jsonpath={${port}}`]));
    const [node] = cluster.nodes;
    const forwarded = await cluster.forward(node?.address ?? "", nodePort);
    const visitor = startPodClient(clientArgv);
    try {
      const url = `http://127.0.0.1:${forwarded.port}/`;
      const said = await eventually(() => visitor.echo({ url, host: "echo.example" }));
      assert.equal(said.version, "v2");
      const identity = "URI=spiffe://cluster.local/ns/meltemi-ingress/sa/istio-ingressgateway";
      assert.ok(said.headers["x-forwarded-client-cert"]?.includes(identity));
      assert.equal((await visitor.request({ url, host: "other.example" })).status, 404);
    } finally {
      await visitor.close();
      await forwarded.close();
    }
  });

  test("a gateway whose pods were made before the webhooks gets its proxies all the same", async () => {
    const inGateways = (...args: readonly string[]) => cluster.kubectl(["-n", "meltemi-ingress", ...args]);
    const images = "jsonpath={.items[*].spec.containers[*].image}";
    const gatewayImages = () => inGateways("get", "pods", "-l", "istio=ingressgateway", "-o", images);
    await cluster.kubectl(["delete", "mutatingwebhookconfiguration", "meltemi-sidecar-injector"]);
    // The API server goes on asking them for a moment.
    await eventually(async () => {
      await inGateways("rollout", "restart", "deployment/istio-ingressgateway");
      await eventually(async () => assert.match(await gatewayImages(), /\bauto\b/), { deadlineMs: 5_000 });
    });
    await meltemi(["install", "--timeout", "180s"]);
    await inGateways("rollout", "status", "deployment/istio-ingressgateway", "--timeout=120s");
    await eventually(async () => assert.doesNotMatch(await gatewayImages(), /\bauto\b/));
  });

  test("uninstall --purge leaves nothing of ours", async () => {
    await meltemi(["uninstall", "--yes", "--purge"]);
    isInstalled = false;
    const kinds =
      "crd,namespace,clusterrole,clusterrolebinding,mutatingwebhookconfiguration,validatingwebhookconfiguration";
    const names = await cluster.kubectl(["get", kinds, "-o", "name"]);
    assert.doesNotMatch(names, /meltemi|istio/);
  });
});

interface Pod {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly nodeName: string };
  readonly status: {
    readonly containerStatuses: readonly {
      readonly name: string;
      readonly ready: boolean;
      readonly state?: { readonly terminated?: { readonly exitCode: number } };
    }[];
  };
}

function meshObject(kind: string, name: string, spec: object): object {
  return { apiVersion: "networking.istio.io/v1", kind, metadata: { name }, spec };
}

function virtualService(name: string, spec: object): object {
  return meshObject("VirtualService", name, spec);
}

function echoVersions(spec: { readonly trafficPolicy?: object } = {}): object {
  const subsets = ["v1", "v2"].map((version) => ({ name: version, labels: { version } }));
  return meshObject("DestinationRule", "echo", { host: "echo", subsets, ...spec });
}

function toVersion(subset: string, weight = 100): object {
  return { destination: { host: "echo", subset }, weight };
}
