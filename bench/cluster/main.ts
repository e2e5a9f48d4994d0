// How much memory the control plane holds for a cluster with no proxies connected: 1,000 Services and 10,000 Pods by
// default, as large as real ones are on the wire. The API server is a stand-in in this process.

import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { leaseResource, resourceOfKind, resourcePath } from "../../src/kubernetes/api-resource.ts";
import { watchedKinds } from "../../src/sources/kubernetes/watched-kinds.ts";
import { TestApiServer, type TestObject } from "../../tests/support/api-server.ts";
import { controlPlaneNodeFlags } from "../../tools/images/product-images.ts";

const LIMIT_MEGABYTES = 200;
const SETTLE_MS = 45_000;
const PODS_PER_SERVICE = 10;

const serviceCount = Number(process.argv[2] ?? 1_000);

const folder = await mkdtemp(join(tmpdir(), `meltemi-bench-${process.pid}-`));
const server = new TestApiServer();
try {
  spawnSync(process.execPath, ["tools/build.mjs"], { stdio: "inherit" });
  await server.start();
  fill(server, serviceCount);
  const { settledMegabytes, peakMegabytes, startMs } = await measure(join(folder, "kubeconfig"));
  const podCount = serviceCount * PODS_PER_SERVICE;
  console.log(`${serviceCount} Services, ${podCount} Pods: ready after ${startMs} ms`);
  console.log(
    `settled ${settledMegabytes} MB RSS, peak ${peakMegabytes} MB (limit ${LIMIT_MEGABYTES} settled)`,
  );
  process.exitCode = settledMegabytes <= LIMIT_MEGABYTES ? 0 : 1;
} finally {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}

async function measure(kubeconfigPath: string) {
  await writeFile(kubeconfigPath, kubeconfigFor(server.endpoint().url));
  const flags = ["--kubernetes", "--kubeconfig", kubeconfigPath, "--xds-port", "0", "--monitoring-port", "0"];
  const startedMs = performance.now();
  const child = spawn(process.execPath, [...controlPlaneNodeFlags, "dist/control-plane.js", ...flags], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  try {
    await new Promise<void>((resolve, reject) => {
      child.once("exit", (code) => reject(new Error(`The control plane ended with ${code}`)));
      createInterface({ input: child.stderr }).on("line", (line) => {
        if (line.includes("control plane ready")) resolve();
      });
    });
    const startMs = Math.round(performance.now() - startedMs);
    await delay(SETTLE_MS);
    const status = await readFile(`/proc/${child.pid}/status`, "utf8");
    const megabytes = (name: string) =>
      Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024);
    return { startMs, settledMegabytes: megabytes("VmRSS"), peakMegabytes: megabytes("VmHWM") };
  } finally {
    child.removeAllListeners("exit");
    child.kill("SIGKILL");
  }
}

function kubeconfigFor(url: URL): string {
  return JSON.stringify({
    "current-context": "bench",
    contexts: [{ name: "bench", context: { cluster: "bench" } }],
    clusters: [{ name: "bench", cluster: { server: url.href } }],
  });
}

function fill(to: TestApiServer, count: number): void {
  to.define(...watchedKinds.map((kind) => resourcePath(resourceOfKind(kind))));
  to.define("/api/v1/secrets", "/api/v1/configmaps", resourcePath(leaseResource));
  for (let index = 0; index < 20; index++) {
    to.put("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: `ns-${index}` } });
  }
  for (let index = 0; index < count; index++) addService(to, index);
}

function addService(to: TestApiServer, index: number): void {
  const [name, namespace] = [`service-${index}`, `ns-${index % 20}`];
  const metadata = { namespace, labels: { app: name, team: `team-${index % 30}` } };
  to.put("/api/v1/services", {
    apiVersion: "v1",
    kind: "Service",
    metadata: { ...metadata, name, managedFields: managedFields(3) },
    spec: {
      clusterIP: `10.96.${index >> 8}.${index & 255}`,
      selector: { app: name },
      ports: [{ name: "http", port: 80, targetPort: 8080, protocol: "TCP" }],
    },
  });
  const pods = Array.from({ length: PODS_PER_SERVICE }, (_, replica) => podOf(index, replica, metadata));
  for (const pod of pods) to.put("/api/v1/pods", pod);
  to.put("/apis/discovery.k8s.io/v1/endpointslices", {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `${name}-abcde`,
      namespace,
      labels: { ...metadata.labels, "kubernetes.io/service-name": name },
      managedFields: managedFields(2),
    },
    addressType: "IPv4",
    ports: [{ name: "http", port: 8080, protocol: "TCP" }],
    endpoints: pods.map((pod, replica) => ({
      addresses: [addressOf(index, replica)],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: `node-${replica}`,
      targetRef: { kind: "Pod", name: pod.metadata.name, namespace, uid: `${index}-${replica}` },
    })),
  });
}

function addressOf(index: number, replica: number): string {
  const number = index * PODS_PER_SERVICE + replica;
  return `10.${1 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
}

function podOf(
  index: number,
  replica: number,
  { namespace, labels }: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> },
): TestObject {
  const podIP = addressOf(index, replica);
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `service-${index}-6d5f8c9b7-${replica}`,
      namespace,
      labels: { ...labels, "pod-template-hash": "6d5f8c9b7" },
      annotations: { "sidecar.istio.io/status": "x".repeat(900), "kubectl.kubernetes.io/restartedAt": "now" },
      ownerReferences: [{ kind: "ReplicaSet", name: `service-${index}-6d5f8c9b7`, controller: true }],
      managedFields: managedFields(8),
    },
    spec: {
      serviceAccountName: `service-${index}`,
      nodeName: `node-${replica}`,
      containers: ["app", "istio-proxy"].map((name) => ({
        name,
        image: `registry.example/${name}:1.2.3`,
        ports: [{ name: "http", containerPort: 8080, protocol: "TCP" }],
        env: Array.from({ length: 20 }, (_, number) => ({
          name: `VARIABLE_${number}`,
          value: "v".repeat(40),
        })),
      })),
    },
    status: { phase: "Running", podIP, podIPs: [{ ip: podIP }], conditions: [] },
  };
}

function managedFields(count: number): readonly object[] {
  const fieldsV1 = {
    "f:metadata": { "f:labels": { ".": {}, "f:app": {} } },
    "f:spec": { "f:x": "y".repeat(200) },
  };
  return Array.from({ length: count }, () => ({ manager: "kubelet", operation: "Update", fieldsV1 }));
}
