import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eventually } from "../e2e/mesh/eventually.ts";
import type { Cluster } from "./cluster/open-cluster.ts";
import { testCluster, whyNoTestCluster } from "./cluster/open-cluster.ts";

const skip = whyNoTestCluster();
const namespace = `cluster-test-${process.pid}`;

// What later tests take for granted of the cluster itself, shown without a mesh.
describe("test cluster", { skip }, () => {
  let cluster: Cluster;

  before(async () => {
    cluster = testCluster();
    await cluster.kubectl(["create", "namespace", namespace]);
    await cluster.kubectl(["-n", namespace, "apply", "-f", "-"], { input: JSON.stringify(manifest) });
    const limit = "--timeout=90s";
    await cluster.kubectl(["-n", namespace, "rollout", "status", limit, "deployment/echo"], {
      timeoutMs: 95_000,
    });
    await cluster.kubectl(["-n", namespace, "wait", "--for=condition=Ready", limit, "pod/client"], {
      timeoutMs: 95_000,
    });
  });

  after(async () => {
    await cluster.kubectl(["delete", "namespace", namespace, "--wait=false"]);
  });

  const curl = (url: string) =>
    cluster.kubectl(["-n", namespace, "exec", "client", "--", "curl", "-sS", "--max-time", "5", url]);

  test("a Service's name leads to pods of both nodes", async () => {
    const nodesByPod = new Map(
      (await cluster.kubectl(["-n", namespace, "get", "pods", "-o", podLines]))
        .split("\n")
        .map((line) => line.split(" ") as [string, string]),
    );
    // Nodes hear of endpoints a moment after a pod is ready.
    await eventually(() => curl("http://echo/"));
    const seen = new Set<string | undefined>();
    for (let call = 0; call < 40 && seen.size < 2; call += 1) {
      seen.add(nodesByPod.get(JSON.parse(await curl("http://echo/")).pod));
    }
    assert.deepEqual([...seen].sort(), ["node-1", "node-2"]);
  });

  test("logs, port-forward and ports of this machine's loopback lead into the cluster", async () => {
    const address = await cluster.kubectl([
      ...["-n", namespace, "get", "service", "echo", "-o", "jsonpath={.spec.clusterIP}"],
    ]);
    const forwarded = await cluster.forward(address, 80);
    try {
      const answer = await fetch(`http://127.0.0.1:${forwarded.port}/`);
      assert.equal(answer.status, 200);
    } finally {
      await forwarded.close();
    }
    await cluster.kubectl(["-n", namespace, "logs", "deployment/echo"]);
  });

  test("halting the API server leaves pods running", async () => {
    const address = await cluster.kubectl([
      ...["-n", namespace, "get", "service", "echo", "-o", "jsonpath={.spec.clusterIP}"],
    ]);
    const forwarded = await cluster.forward(address, 80);
    await cluster.haltApiServer();
    try {
      await assert.rejects(cluster.kubectl(["get", "nodes", "--request-timeout=5s"]));
      const answer = await fetch(`http://127.0.0.1:${forwarded.port}/`);
      assert.equal(answer.status, 200);
    } finally {
      await forwarded.close();
      await cluster.resumeApiServer();
    }
    await cluster.kubectl(["get", "nodes"]);
  });

  test("an init container with NET_ADMIN and NET_RAW alone redirects", async () => {
    const name = "redirected";
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name },
      spec: {
        terminationGracePeriodSeconds: 0,
        initContainers: [
          {
            name: "rules",
            ...quiet("meltemi-test/net-tools:1"),
            command: [
              "iptables",
              "-t",
              "nat",
              "-A",
              "OUTPUT",
              "-p",
              "tcp",
              "--dport",
              "7",
              "-j",
              "REDIRECT",
              "--to-ports",
              "8080",
            ],
            securityContext: { runAsUser: 0, capabilities: { drop: ["ALL"], add: ["NET_ADMIN", "NET_RAW"] } },
          },
        ],
        containers: [
          { name: "echo", ...quiet("meltemi-test/echo:1") },
          { name: "curl", ...quiet("curlimages/curl:8.11.0"), command: ["sleep", "infinity"] },
        ],
      },
    };
    await cluster.kubectl(["-n", namespace, "apply", "-f", "-"], { input: JSON.stringify(pod) });
    await cluster.kubectl(
      ["-n", namespace, "wait", "--for=condition=Ready", "--timeout=60s", `pod/${name}`],
      {
        timeoutMs: 65_000,
      },
    );
    const ask = ["exec", name, "-c", "curl", "--", "curl", "-sS", "--max-time", "5", "http://10.9.8.7:7/"];
    // The app has no probe: it may need a moment.
    const answer = await eventually(() => cluster.kubectl(["-n", namespace, ...ask]));
    assert.equal(JSON.parse(answer).path, "/");
  });
});

const podLines = 'jsonpath={range .items[*]}{.metadata.name} {.spec.nodeName}{"\\n"}{end}';

const quiet = (image: string) => ({ image, imagePullPolicy: "Never" });

const manifest = {
  apiVersion: "v1",
  kind: "List",
  items: [
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "echo" },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: "echo" } },
        template: {
          metadata: { labels: { app: "echo" } },
          spec: {
            terminationGracePeriodSeconds: 0,
            topologySpreadConstraints: [
              {
                maxSkew: 1,
                topologyKey: "kubernetes.io/hostname",
                whenUnsatisfiable: "DoNotSchedule",
                labelSelector: { matchLabels: { app: "echo" } },
              },
            ],
            containers: [
              {
                name: "echo",
                ...quiet("meltemi-test/echo:1"),
                env: [{ name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
                readinessProbe: { httpGet: { path: "/", port: 8080 }, periodSeconds: 1 },
              },
            ],
          },
        },
      },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "echo" },
      spec: { selector: { app: "echo" }, ports: [{ port: 80, targetPort: 8080 }] },
    },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "client" },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [{ name: "curl", ...quiet("curlimages/curl:8.11.0"), command: ["sleep", "infinity"] }],
      },
    },
  ],
};
