import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eventually } from "../e2e/mesh/eventually.ts";
import type { Cluster } from "./cluster/open-cluster.ts";
import { testCluster, whyNoTestCluster } from "./cluster/open-cluster.ts";
import {
  configurationOf,
  filesOnNode,
  pluginsOf,
  restartDaemons,
  rewriteConfiguration,
  startDaemons,
  stopDaemons,
  untilRolledOut,
} from "./cni-plugin.ts";
import { callerPod, echoDeployment, echoService } from "./echo-application.ts";
import type { Meltemi } from "./meltemi-command.ts";
import { meltemiAgainst } from "./meltemi-command.ts";
import type { TestNamespace } from "./test-namespace.ts";
import { createTestNamespace } from "./test-namespace.ts";

const skip = whyNoTestCluster();
/** For kubelet's second and third try. */
const patiently = { deadlineMs: 90_000 };
const isInjected = { labels: { "sidecar.istio.io/inject": "true" } };

// Two namespaces: the mesh's own, of the Pod Security level `restricted`, and one that isn't the mesh's, in which pods
// ask for a sidecar by their own label.
describe("the CNI plugin on a cluster", { skip }, () => {
  let cluster: Cluster;
  let meltemi: Meltemi;
  let mesh: TestNamespace;
  let other: TestNamespace;
  let originals: readonly unknown[];
  let isInstalled = false;

  before(async () => {
    cluster = testCluster();
    meltemi = meltemiAgainst(cluster);
    originals = await Promise.all(cluster.nodes.map(configurationOf));
    isInstalled = true;
    await meltemi(["install", "--profile", "cni", "--timeout", "120s"]);
    mesh = await createTestNamespace(cluster, `cni-test-${process.pid}`, {
      "istio-injection": "enabled",
      "pod-security.kubernetes.io/enforce": "restricted",
    });
    other = await createTestNamespace(cluster, `cni-test-other-${process.pid}`);
    await mesh.apply([restricted(echoDeployment()), echoService(), restricted(callerPod("client"))]);
    await other.apply([callerPod("outsider")]);
    await mesh.waitForRollout("deployment/echo");
    await mesh.waitFor("condition=Ready", "pod/client");
    await other.waitFor("condition=Ready", "pod/outsider");
  });

  after(async () => {
    await mesh?.close();
    await other?.close();
    if (isInstalled) await meltemi(["uninstall", "--yes", "--purge"]);
  });

  const url = () => `http://echo.${mesh.name}/`;

  test("it stands behind the other plugins on each node, with a program and a socket", async () => {
    for (const node of cluster.nodes) {
      assert.deepEqual(await pluginsOf(node), ["ptp", "portmap", "meltemi-cni"]);
      const names = ["cni.sock", "mesh-namespaces"].map((name) => `/var/lib/meltemi-cni/${name}`);
      assert.deepEqual(await filesOnNode(node), ["/opt/cni/bin/meltemi-cni", ...names]);
    }
  });

  test("a restricted namespace's pods get a sidecar, and no container a capability", async () => {
    const { spec } = await mesh.get<Pod>("pod/client");
    const containers = [...(spec.initContainers ?? []), ...spec.containers];
    assert.equal(containers[0]?.name, "istio-validation");
    assert.ok(containers.some(({ name }) => name === "istio-proxy"));
    for (const { securityContext } of containers)
      assert.deepEqual(securityContext.capabilities, { drop: ["ALL"] });
  });

  test("calls between nodes are by mutual TLS with the ServiceAccounts' identities", async () => {
    const pods = await mesh.list<Pod>("pods", "app=echo");
    const nodesByPod = new Map(pods.map(({ metadata, spec }) => [metadata.name, spec.nodeName]));
    const seen = new Set<string | undefined>();
    for (let call = 0; call < 40 && seen.size < 2; call += 1) {
      const { headers, pod } = await mesh.client("client").echo(url());
      assert.match(headers["x-forwarded-client-cert"] ?? "", identityIn(mesh));
      seen.add(nodesByPod.get(pod));
    }
    assert.deepEqual([...seen].sort(), ["node-1", "node-2"]);
  });

  test("STRICT refuses plaintext", async () => {
    await other.client("outsider").echo({ url: url(), isNew: true });
    const spec = { mtls: { mode: "STRICT" } };
    const metadata = { name: "default" };
    await mesh.apply([{ apiVersion: "security.istio.io/v1", kind: "PeerAuthentication", metadata, spec }]);
    await eventually(async () => {
      const { error } = await other.client("outsider").request({ url: url(), isNew: true });
      assert.equal(error, "ECONNRESET");
    });
    await mesh.client("client").echo(url());
  });

  test("it chains itself again where the network's owner rewrites the configuration", async () => {
    for (const node of cluster.nodes) {
      await rewriteConfiguration(cluster, node);
      await eventually(async () => assert.equal((await pluginsOf(node)).at(-1), "meltemi-cni"));
    }
  });

  test("while its DaemonSet is away, the mesh's pods wait and others start", async () => {
    await stopDaemons(cluster);
    await mesh.apply([restricted(callerPod("waiting"))]);
    await other.apply([callerPod("early", isInjected), callerPod("plain")]);
    await other.waitFor("condition=Ready", "pod/plain");
    await eventually(async () => {
      const events = await mesh.kubectl(["get", "events", "--field-selector", "involvedObject.name=waiting"]);
      assert.match(events, /FailedCreatePodSandBox.*the mesh's DaemonSet on this node doesn't answer/);
    }, patiently);
    await eventually(async () => assert.equal(await validationEnd(other, "early"), 126), patiently);
  });

  test("when it is back, it repairs the pod that started without it", async () => {
    await startDaemons(cluster);
    await mesh.waitFor("condition=Ready", "pod/waiting");
    await other.waitFor("condition=Ready", "pod/early");
    const { metadata } = await other.get<Pod>("pod/early");
    const { headers } = await other.client("early").echo(url());
    assert.match(headers["x-forwarded-client-cert"] ?? "", identityIn(other));
    assert.equal(metadata.labels["cni.istio.io/uninitialized"], undefined);
  });

  test("an update of its DaemonSet while pods are made leaves none uncaptured or without network", async () => {
    const replicas = 4;
    await restartDaemons(cluster);
    await mesh.apply([restricted(echoDeployment({ name: "burst", replicas }))]);
    await other.apply([echoDeployment({ name: "burst", replicas })]);
    await untilRolledOut(cluster);
    await mesh.waitForRollout("deployment/burst");
    await other.waitForRollout("deployment/burst");
    const pods = await mesh.list<Pod>("pods", "app=burst");
    assert.equal(pods.length, replicas);
    for (const { metadata } of pods) assert.equal(await validationEnd(mesh, metadata.name), 0);
  });

  test("it labels or deletes the pods instead, with the rights for it alone", async () => {
    await stopDaemons(cluster);
    await other.apply([echoDeployment({ name: "late", replicas: 1, ...isInjected })]);
    const early = await eventually(async () => {
      const [pod] = await other.list<Pod>("pods", "app=late");
      assert.equal(await validationEnd(other, pod?.metadata.name ?? ""), 126);
      return pod;
    }, patiently);
    await startDaemonsWith("label");
    const uninitialized = "app=late,cni.istio.io/uninitialized=true";
    await eventually(
      async () => assert.equal((await other.list("pods", uninitialized)).length, 1),
      patiently,
    );
    await startDaemonsWith("delete");
    await other.waitForRollout("deployment/late");
    await eventually(async () => {
      const [pod, ...more] = await other.list<Pod>("pods", "app=late");
      assert.equal(more.length, 0, "the old one is still going");
      assert.notEqual(pod?.metadata.uid, early?.metadata.uid);
    }, patiently);
  });

  test("uninstall leaves nothing on the nodes, running pods talk and new ones start", async () => {
    await meltemi(["uninstall", "--yes", "--purge"]);
    isInstalled = false;
    assert.deepEqual(await Promise.all(cluster.nodes.map(configurationOf)), originals);
    for (const node of cluster.nodes) assert.deepEqual(await filesOnNode(node), []);
    await mesh.apply([restricted(callerPod("after"))]);
    await mesh.waitFor("condition=Ready", "pod/after");
    await mesh.client("client").echo(url());
  });

  /** Its node selector is what keeps the pods away: the upgrade leaves it to its owner. */
  async function startDaemonsWith(mode: string): Promise<void> {
    await meltemi(["upgrade", "--profile", "cni", "--cni-repair", mode, "--timeout", "120s"]);
    await startDaemons(cluster);
  }
});

interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly nodeName: string;
    readonly initContainers?: readonly Container[];
    readonly containers: readonly Container[];
  };
  readonly status: {
    readonly initContainerStatuses?: readonly {
      readonly name: string;
      readonly state: ContainerState;
      readonly lastState: ContainerState;
    }[];
  };
}

interface Container {
  readonly name: string;
  readonly securityContext: { readonly capabilities?: unknown };
}

interface ContainerState {
  readonly terminated?: { readonly exitCode: number };
}

/** The exit code of its validation container, the newest that there is. */
async function validationEnd(namespace: TestNamespace, pod: string): Promise<number | undefined> {
  const { status } = await namespace.get<Pod>(`pod/${pod}`);
  const validation = status.initContainerStatuses?.find(({ name }) => name === "istio-validation");
  return (validation?.state.terminated ?? validation?.lastState.terminated)?.exitCode;
}

function identityIn({ name }: TestNamespace): RegExp {
  return new RegExp(`URI=spiffe://cluster.local/ns/${name}/sa/default`);
}

/** As the Pod Security level of this name wants a pod or a template of one. */
function restricted(object: object): object {
  return JSON.parse(JSON.stringify(object), (key, value) => {
    if (key === "containers") return value.map((container: object) => ({ ...container, securityContext }));
    const isSpec = key === "spec" && value.containers !== undefined;
    return isSpec ? { ...value, securityContext: podSecurityContext } : value;
  });
}

const securityContext = { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } };
const podSecurityContext = { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } };
