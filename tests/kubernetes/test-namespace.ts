// A namespace of the test cluster, and what tests do in it: apply, wait, look, and call from a pod.

import type { PodClient } from "../e2e/mesh/pod-client.ts";
import { startPodClient } from "../e2e/mesh/pod-client.ts";
import { kubectlPath } from "./cluster/cached-programs.ts";
import type { Kubectl } from "./cluster/kubectl.ts";
import type { Cluster } from "./cluster/open-cluster.ts";

/** For pods on a machine that has other work too. */
const WAIT_LIMIT_MS = 240_000;

export interface TestNamespace {
  readonly name: string;
  /** With `-n NAME`. */
  readonly kubectl: Kubectl;
  /** Kubernetes objects as they are written, without a namespace. */
  apply(objects: readonly object[]): Promise<void>;
  /** Sets labels of the namespace itself; null takes one off. */
  label(labels: Readonly<Record<string, string | null>>): Promise<void>;
  /** Such as `waitFor("condition=Ready", "pod/client")`. */
  waitFor(condition: string, ...objects: readonly string[]): Promise<void>;
  /** All replicas are of the newest template and ready. */
  waitForRollout(workload: string): Promise<void>;
  /** One object such as `pod/client`. */
  get<T>(object: string): Promise<T>;
  list<T>(kind: string, selector: string): Promise<readonly T[]>;
  /** A caller in a pod of the echo's image; the same each time. */
  client(pod: string): PodClient;
  /** Ends the callers and has the namespace deleted. */
  close(): Promise<void>;
}

export async function createTestNamespace(
  cluster: Cluster,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<TestNamespace> {
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
  await cluster.kubectl(["create", "-f", "-"], { input: JSON.stringify(namespace) });
  const kubectl: Kubectl = (args, options) => cluster.kubectl(["-n", name, ...args], options);
  const patiently = { timeoutMs: WAIT_LIMIT_MS + 5_000 };
  const limit = `--timeout=${WAIT_LIMIT_MS}ms`;
  const clients = new Map<string, PodClient>();
  return {
    name,
    kubectl,
    async apply(objects) {
      const list = { apiVersion: "v1", kind: "List", items: objects };
      await kubectl(["apply", "-f", "-"], { input: JSON.stringify(list) });
    },
    async label(changes) {
      const words = Object.entries(changes).map(([key, value]) =>
        value === null ? `${key}-` : `${key}=${value}`,
      );
      await cluster.kubectl(["label", "--overwrite", "namespace", name, ...words]);
    },
    async waitFor(condition, ...objects) {
      await kubectl(["wait", `--for=${condition}`, limit, ...objects], patiently);
    },
    async waitForRollout(workload) {
      await kubectl(["rollout", "status", limit, workload], patiently);
    },
    get: async (object) => JSON.parse(await kubectl(["get", object, "-o", "json"])),
    list: async (kind, selector) =>
      JSON.parse(await kubectl(["get", kind, "-l", selector, "-o", "json"])).items,
    client(pod) {
      const client = clients.get(pod) ?? startPodClient(clientCommand(cluster, { namespace: name, pod }));
      clients.set(pod, client);
      return client;
    },
    async close() {
      await Promise.all([...clients.values()].map((client) => client.close()));
      await cluster.kubectl(["delete", "namespace", name, "--wait=false"]);
    },
  };
}

function clientCommand(
  { kubeconfigPath }: Cluster,
  { namespace, pod }: { readonly namespace: string; readonly pod: string },
): readonly [string, ...string[]] {
  const exec = ["exec", "-i", pod, "-c", "app", "--"];
  return [kubectlPath(), "--kubeconfig", kubeconfigPath, "-n", namespace, ...exec, "node", "/app/client.mjs"];
}
