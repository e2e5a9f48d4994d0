import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { projectPath, readVersion } from "../../src/main/project.ts";
import { eventually } from "../e2e/mesh/eventually.ts";
import type { Cluster } from "./cluster/open-cluster.ts";
import { testCluster, whyNoTestCluster } from "./cluster/open-cluster.ts";

const skip = whyNoTestCluster();
const namespace = `mesh-test-${process.pid}`;
const PODS_LIMIT_MS = 120_000;

// Installed by our installer, injected by our command line, shown by traffic between pods of two nodes.
describe("mesh on a cluster", { skip }, () => {
  let cluster: Cluster;
  let isInstalled = false;

  const apply = (objects: readonly object[]) =>
    cluster.kubectl(["-n", namespace, "apply", "-f", "-"], { input: list(objects) });
  const untilTrue = (condition: string, object: string) =>
    cluster.kubectl(["-n", namespace, "wait", `--for=${condition}`, `--timeout=${PODS_LIMIT_MS}ms`, object], {
      timeoutMs: PODS_LIMIT_MS + 5_000,
    });
  const callFrom = (pod: string, url: string) =>
    cluster.kubectl([
      ...["-n", namespace, "exec", pod, "-c", "app", "--"],
      ...["curl", "-sS", "--max-time", "5", "-w", "\n%{http_code}", url],
    ]);

  before(async () => {
    cluster = testCluster();
    isInstalled = true;
    await meltemi(["install", "--profile", "minimal", "--timeout", "120s"]);
    await cluster.kubectl(["create", "namespace", namespace]);
    const injected = await meltemi(
      ["inject", "--native-sidecars", "-f", "-"],
      list([...application, client, job]),
    );
    // The command line doesn't know which images the installation has.
    const input = injected.replaceAll("meltemi/agent:latest", `meltemi/agent:${readVersion()}`);
    await cluster.kubectl(["-n", namespace, "apply", "-f", "-"], { input });
    await apply([{ ...client, metadata: { name: "outsider" } }]);
    await untilTrue("condition=Available", "deployment/echo");
    await untilTrue("condition=Ready", "pod/client");
    await untilTrue("condition=Ready", "pod/outsider");
  });

  after(async () => {
    await cluster.kubectl(["delete", "namespace", namespace, "--wait=false"]);
    if (isInstalled) await meltemi(["uninstall", "--purge"]);
  });

  test("calls between nodes are by mutual TLS with the ServiceAccounts' identities", async () => {
    const nodesByPod = new Map(
      (await cluster.kubectl(["-n", namespace, "get", "pods", "-l", "app=echo", "-o", podLines]))
        .trim()
        .split("\n")
        .map((line) => line.split(" ") as [string, string]),
    );
    const seen = new Set<string | undefined>();
    for (let call = 0; call < 40 && seen.size < 2; call += 1) {
      const [body = "", code] = (await callFrom("client", "http://echo/")).split("\n");
      assert.equal(code, "200", body);
      const said = JSON.parse(body);
      seen.add(nodesByPod.get(said.pod));
      assert.match(said.headers["x-forwarded-client-cert"], new RegExp(`/ns/${namespace}/sa/default`));
    }
    assert.deepEqual([...seen].sort(), ["node-1", "node-2"]);
  });

  test("a VirtualService's fault reaches proxies, and goes with it", async () => {
    const route = [{ destination: { host: "echo" } }];
    const fault = { abort: { httpStatus: 418, percentage: { value: 100 } } };
    const spec = { hosts: ["echo"], http: [{ fault, route }] };
    const virtualService = {
      apiVersion: "networking.istio.io/v1",
      kind: "VirtualService",
      metadata: { name: "echo" },
      spec,
    };
    const answersWith = async (code: string) =>
      assert.equal((await callFrom("client", "http://echo/")).split("\n").at(-1), code);
    await apply([virtualService]);
    await eventually(() => answersWith("418"));
    await cluster.kubectl(["-n", namespace, "delete", "virtualservice", "echo"]);
    await eventually(() => answersWith("200"));
  });

  test("STRICT refuses plaintext between nodes", async () => {
    assert.match(await callFrom("outsider", "http://echo/"), /\n200$/);
    await apply([
      {
        apiVersion: "security.istio.io/v1",
        kind: "PeerAuthentication",
        metadata: { name: "default" },
        spec: { mtls: { mode: "STRICT" } },
      },
    ]);
    await eventually(() => assert.rejects(callFrom("outsider", "http://echo/"), /exit code 56/));
    assert.match(await callFrom("client", "http://echo/"), /\n200$/);
  });

  test("a Job with a native sidecar completes", async () => {
    await untilTrue("condition=Complete", "job/once");
  });

  test("uninstall --purge leaves nothing of ours", async () => {
    await meltemi(["uninstall", "--purge"]);
    isInstalled = false;
    const kinds =
      "crd,clusterrole,clusterrolebinding,mutatingwebhookconfiguration,validatingwebhookconfiguration";
    const names = await cluster.kubectl(["get", kinds, "-o", "name"]);
    assert.doesNotMatch(names, /meltemi|istio/);
  });

  /** Runs our command line against the cluster; resolves to what it printed. */
  async function meltemi(args: readonly string[], input = ""): Promise<string> {
    const child = spawn(process.execPath, [projectPath("bin/meltemi.mjs"), ...args], {
      env: { ...process.env, KUBECONFIG: cluster.kubeconfigPath },
      stdio: ["pipe", "pipe", "pipe"],
    });
    let [output, errors] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors += text;
    });
    child.stdin.end(input);
    const [code] = await once(child, "close");
    assert.equal(code, 0, `meltemi ${args.join(" ")}: ${output}${errors}`);
    return output;
  }
});

const podLines = 'jsonpath={range .items[*]}{.metadata.name} {.spec.nodeName}{"\\n"}{end}';

const list = (items: readonly object[]) => items.map((item) => `${JSON.stringify(item)}\n`).join("---\n");

const quiet = (image: string) => ({ image, imagePullPolicy: "Never" });

const podOfTool = (command: readonly string[]) => ({
  terminationGracePeriodSeconds: 1,
  containers: [{ name: "app", ...quiet("curlimages/curl:8.11.0"), command }],
});

const client = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "client" },
  spec: podOfTool(["sleep", "infinity"]),
};

const job = {
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name: "once" },
  spec: {
    template: {
      spec: { ...podOfTool(["curl", "-sS", "--retry", "9", "http://echo/"]), restartPolicy: "Never" },
    },
  },
};

const labels = { app: "echo" };

const application = [
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "echo" },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: 1,
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: "kubernetes.io/hostname",
              whenUnsatisfiable: "DoNotSchedule",
              labelSelector: { matchLabels: labels },
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
    spec: { selector: labels, ports: [{ name: "http", port: 80, targetPort: 8080 }] },
  },
];
