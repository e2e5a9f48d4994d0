import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eventually } from "../e2e/mesh/eventually.ts";
import type { Cluster } from "./cluster/open-cluster.ts";
import { testCluster, whyNoTestCluster } from "./cluster/open-cluster.ts";
import { untilAnswered } from "./cluster/until-answered.ts";
import { callerPod, echoDeployment, echoPodSpec, echoService, onceJob } from "./echo-application.ts";
import type { Meltemi } from "./meltemi-command.ts";
import { meltemiAgainst } from "./meltemi-command.ts";
import type { TestNamespace } from "./test-namespace.ts";
import { createTestNamespace } from "./test-namespace.ts";

const skip = whyNoTestCluster();
const isAsked = { "sidecar.istio.io/inject": "true" };
const isRefused = { "sidecar.istio.io/inject": "false" };

// Two control planes, and pods that ask for one of them in each way there is, or ask for none.
describe("injection on a cluster", { skip }, () => {
  let cluster: Cluster;
  let meltemi: Meltemi;
  const namespaces: TestNamespace[] = [];
  let labelled: TestNamespace;
  let silent: TestNamespace;
  let revised: TestNamespace;

  before(async () => {
    cluster = testCluster();
    meltemi = meltemiAgainst(cluster);
    await meltemi(["install", "--profile", "minimal", "--timeout", "120s"]);
    await meltemi(["install", "--profile", "minimal", "--revision", "canary", "--replicas", "1"]);
    const create = async (name: string, labels: Readonly<Record<string, string>>) => {
      const namespace = await createTestNamespace(cluster, `injection-${name}-${process.pid}`, labels);
      namespaces.push(namespace);
      return namespace;
    };
    labelled = await create("labelled", { "istio-injection": "enabled" });
    silent = await create("silent", {});
    revised = await create("revised", { "istio.io/rev": "canary" });
    await labelled.apply([echoDeployment({ endsGently: true }), echoService(), callerPod("client")]);
    await silent.apply([echoDeployment({ replicas: 1, labels: isAsked }), echoService()]);
    await revised.apply([echoDeployment({ replicas: 1 }), echoService()]);
    await Promise.all(namespaces.map((namespace) => namespace.waitForRollout("deployment/echo")));
    await labelled.waitFor("condition=Ready", "pod/client");
  });

  after(async () => {
    await Promise.all(namespaces.map((namespace) => namespace.close()));
    await meltemi(["uninstall", "--yes", "--revision", "canary"]);
    await meltemi(["uninstall", "--yes", "--purge"]);
  });

  /** The pod as the API server would make it. */
  const admitted = async (namespace: string, pod: object): Promise<Pod> =>
    JSON.parse(
      await cluster.kubectl(["-n", namespace, "create", "--dry-run=server", "-o", "json", "-f", "-"], {
        input: JSON.stringify(pod),
      }),
    );

  test("pods get their sidecar by the label of their namespace, of themselves, or of a revision", async () => {
    const client = labelled.client("client");
    for (const { name } of namespaces) {
      const { headers } = await client.echo(`http://echo.${name}/`);
      const certificate = headers["x-forwarded-client-cert"] ?? "";
      assert.match(certificate, new RegExp(`By=spiffe://cluster.local/ns/${name}/sa/default;`));
      assert.match(certificate, new RegExp(`URI=spiffe://cluster.local/ns/${labelled.name}/sa/default`));
    }
  });

  test("a namespace's revision decides which control plane its pods hear", async () => {
    for (const [namespace, revision] of [
      [silent, "default"],
      [revised, "canary"],
    ] as const) {
      const [pod] = await namespace.list<Pod>("pods", "app=echo");
      assert.equal(pod?.metadata.annotations?.["istio.io/rev"], revision);
      const service = revision === "default" ? "meltemi" : `meltemi-${revision}`;
      const proxy = proxyOf(pod);
      const address = proxy?.env?.find((variable) => variable.name === "CA_ADDR")?.value;
      assert.equal(address, `${service}.meltemi-system.svc:15012`);
    }
  });

  const decisions = [
    { where: "labelled", labels: {}, isInjected: true },
    { where: "labelled", labels: isRefused, isInjected: false },
    { where: "silent", labels: {}, isInjected: false },
    { where: "silent", labels: isAsked, isInjected: true },
    { where: "silent", labels: { "istio.io/rev": "canary" }, isInjected: true },
    { where: "silent", labels: { "istio.io/rev": "nobody" }, isInjected: false },
    { where: "revised", labels: {}, isInjected: true },
    { where: "revised", labels: isRefused, isInjected: false },
    { where: "kube-system", labels: isAsked, isInjected: false },
    { where: "meltemi-system", labels: isAsked, isInjected: false },
  ];
  for (const { where, labels, isInjected } of decisions) {
    const words = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
    const named = words.length === 0 ? "without labels" : `with ${words.join(" ")}`;
    test(`a pod ${named} in ${where} ${isInjected ? "gets a" : "gets no"} sidecar`, async () => {
      const own = { labelled, silent, revised }[where as "labelled" | "silent" | "revised"];
      const pod = await admitted(own?.name ?? where, restrictedPod(labels));
      assert.equal(proxyOf(pod) !== undefined, isInjected);
    });
  }

  test("a pod of the node's network gets no sidecar", async () => {
    const spec = { ...echoPodSpec(), hostNetwork: true };
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "node" }, spec };
    assert.equal(proxyOf(await admitted(labelled.name, pod)), undefined);
  });

  test("an injected pod says what was put into it, and kubectl goes to the app by default", async () => {
    const pod = await labelled.get<Pod>("pod/client");
    const { "sidecar.istio.io/status": status = "", ...annotations } = pod.metadata.annotations ?? {};
    assert.equal(annotations["kubectl.kubernetes.io/default-container"], "app");
    const { containers, initContainers, revision } = JSON.parse(status);
    const present = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].map(({ name }) => name);
    assert.deepEqual([...containers, ...initContainers, "app"].sort(), present.sort());
    assert.equal(revision, "default");
    const said = await labelled.kubectl(["exec", "client", "--", "node", "-p", "process.env.POD_NAME"]);
    assert.equal(said.trim(), "client");
  });

  test("sidecars are restartable init containers, as this cluster's kubelets run them, unless a pod refuses", async () => {
    const { spec } = await labelled.get<Pod>("pod/client");
    const [native] = (spec.initContainers ?? []).filter(({ name }) => name === "istio-proxy");
    assert.equal(native?.restartPolicy, "Always");
    const annotations = { "sidecar.istio.io/nativeSidecar": "false" };
    const classic = await admitted(labelled.name, restrictedPod({}, annotations));
    assert.ok(classic.spec.containers.some(({ name }) => name === "istio-proxy"));
  });

  test("a template of the mesh's own is laid over the pods that name it", async () => {
    const template = {
      metadata: { labels: { owner: "{{ .DeploymentMeta.Namespace }}" } },
      spec: {
        containers: [{ name: "istio-proxy", env: [{ name: "REGION", value: "{{ .Values.region }}" }] }],
      },
    };
    const data = {
      config: JSON.stringify({ templates: { region: JSON.stringify(template) } }),
      values: JSON.stringify({ region: "west" }),
    };
    const metadata = { name: "meltemi-sidecar-injector", namespace: "meltemi-system" };
    const input = JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata, data });
    await cluster.kubectl(["apply", "-f", "-"], { input });
    const annotations = { "inject.istio.io/templates": "sidecar,region" };
    let pod: Pod | undefined;
    const ask = async () => {
      // Refused for as long as the control plane hasn't heard of the template.
      pod = await admitted(labelled.name, restrictedPod({}, annotations)).catch(() => undefined);
      return pod === undefined ? "the template isn't known" : undefined;
    };
    await untilAnswered(ask, { limitMs: 30_000 });
    assert.equal(pod?.metadata.labels?.owner, labelled.name);
    assert.equal(proxyOf(pod)?.env?.find(({ name }) => name === "REGION")?.value, "west");
    await cluster.kubectl(["-n", metadata.namespace, "delete", "configmap", metadata.name]);
  });

  test("`meltemi inject` makes a Job whose sidecar ends with it", async () => {
    const manifest = JSON.stringify(
      onceJob("once", `curl -sSf --retry 9 --retry-all-errors http://echo.${labelled.name}/`),
    );
    const injected = await meltemi(["inject", "--native-sidecars", "-f", "-"], manifest);
    await silent.kubectl(["apply", "-f", "-"], { input: injected });
    await silent.waitFor("condition=Complete", "job/once");
  });

  test("pods lose their sidecar with the namespace's label, and traffic goes on", async () => {
    const client = labelled.client("client");
    const load = await client.load({ url: "http://echo/", connections: 2, pauseMs: 20 });
    await labelled.label({ "istio-injection": null });
    await labelled.kubectl(["rollout", "restart", "deployment/echo"]);
    await labelled.waitForRollout("deployment/echo");
    // A pod of before answers until the client's Envoy has heard that it is going.
    await eventually(async () => {
      const { headers, pod } = await client.echo("http://echo/");
      assert.equal(headers["x-forwarded-client-cert"], undefined);
      assert.equal(proxyOf(await labelled.get<Pod>(`pod/${pod}`)), undefined);
    });
    const { failures, byPod } = await load.stop();
    assert.deepEqual(failures, []);
    assert.ok(Object.keys(byPod).length >= 3, "asked pods with and without sidecar");
  });
});

interface Container {
  readonly name: string;
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly restartPolicy?: string;
}

interface Pod {
  readonly metadata: {
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly containers: readonly Container[];
    readonly initContainers?: readonly Container[];
  };
}

function proxyOf(pod: Pod | undefined): Container | undefined {
  const containers = [...(pod?.spec.containers ?? []), ...(pod?.spec.initContainers ?? [])];
  return containers.find(({ name }) => name === "istio-proxy");
}

/** As any namespace admits it. */
function restrictedPod(
  labels: Readonly<Record<string, string>>,
  annotations: Readonly<Record<string, string>> = {},
): object {
  const securityContext = { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "asked", labels, annotations },
    spec: {
      securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
      containers: [{ name: "app", image: "meltemi-test/echo:1", securityContext }],
    },
  };
}
