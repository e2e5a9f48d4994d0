import assert from "node:assert/strict";
import { test } from "node:test";
import type { LabelSelector, Labels } from "../core/label-selector.ts";
import { matchesSelector } from "../core/label-selector.ts";
import type { InstallObject } from "./install-object.ts";
import { type ProfileName, profileNames, profileSettings } from "./install-settings.ts";
import { installationObjects, installStages } from "./installation-objects.ts";

// Without definitions, which take most of the time.
const settingsOf = (profile: ProfileName) => ({
  ...profileSettings(profile, "1.2.3"),
  hasDefinitions: false,
});
const settings = settingsOf("cni");
const objects = installationObjects(settings);

interface PodTemplate {
  readonly metadata: { readonly labels: Labels };
  readonly spec: {
    readonly securityContext?: { readonly seccompProfile?: unknown };
    readonly containers: readonly { readonly image: string; readonly securityContext: ContainerRights }[];
  };
}

interface ContainerRights {
  readonly allowPrivilegeEscalation: boolean;
  readonly readOnlyRootFilesystem: boolean;
  readonly capabilities: { readonly drop: readonly string[] };
}

interface WorkloadSpec {
  readonly replicas?: number;
  readonly selector: LabelSelector;
  readonly template: PodTemplate;
}

interface Webhook {
  readonly name: string;
  readonly failurePolicy: string;
  readonly namespaceSelector: LabelSelector;
  readonly objectSelector: LabelSelector;
}

function keyOf({ kind, metadata: { name, namespace = "" } }: InstallObject) {
  return `${kind}/${namespace}/${name}`;
}

function find(kind: string, from: readonly InstallObject[] = objects): InstallObject {
  const found = from.find((object) => object.kind === kind);
  assert.ok(found, `there is no ${kind}`);
  return found;
}

const workloads = objects.filter(({ kind }) => kind === "Deployment" || kind === "DaemonSet");

test("installationObjects() has each object once, in every profile", () => {
  for (const profile of profileNames) {
    const keys = installationObjects(profileSettings(profile, "1")).map(keyOf);
    assert.equal(new Set(keys).size, keys.length, profile);
    assert.ok(keys.includes("Deployment/meltemi-system/meltemi"), profile);
  }
});

test("installationObjects() has the CNI plugin and the gateway where the profile wants them", () => {
  const kindsOf = (profile: ProfileName) => installationObjects(settingsOf(profile)).map(keyOf);
  assert.ok(kindsOf("cni").includes("DaemonSet/meltemi-cni/meltemi-cni"));
  assert.ok(!kindsOf("default").some((key) => key.startsWith("DaemonSet/")));
  assert.ok(kindsOf("default").includes("Deployment/meltemi-ingress/istio-ingressgateway"));
  assert.ok(!kindsOf("minimal").some((key) => key.includes("meltemi-ingress")));
});

test("installationObjects() selects the pods of its workloads, and runs them without rights they don't need", () => {
  assert.equal(workloads.length, 3);
  for (const workload of workloads) {
    const { selector, template } = workload.spec as WorkloadSpec;
    assert.ok(matchesSelector(selector, template.metadata.labels), keyOf(workload));
    assert.deepEqual(template.spec.securityContext?.seccompProfile, { type: "RuntimeDefault" });
    for (const { securityContext } of template.spec.containers) {
      assert.equal(securityContext.allowPrivilegeEscalation, false);
      assert.equal(securityContext.readOnlyRootFilesystem, true);
      assert.deepEqual(securityContext.capabilities.drop, ["ALL"]);
    }
  }
});

const rights = [
  { cniRepair: "repair", verbs: ["get", "list"] },
  { cniRepair: "delete", verbs: ["get", "list", "delete"] },
  { cniRepair: "label", verbs: ["get", "list", "patch"] },
  { cniRepair: "none", verbs: ["get"] },
] as const;

for (const { cniRepair, verbs } of rights) {
  test(`installationObjects() lets the CNI plugin of repair mode ${cniRepair} ${verbs.join(", ")} pods`, () => {
    const roles = installationObjects({ ...settings, cniRepair }).filter(
      ({ kind }) => kind === "ClusterRole",
    );
    const own = roles.find(({ metadata }) => metadata.name === "meltemi-cni");
    const rules = own?.rules as readonly { resources: readonly string[]; verbs: readonly string[] }[];
    const ofPods = rules.filter(({ resources }) => resources.includes("pods"));
    assert.deepEqual(
      ofPods.map((rule) => rule.verbs),
      [verbs],
    );
  });
}

test("installationObjects() gives the CNI plugin neither privilege nor the node's processes", () => {
  const { template } = find("DaemonSet").spec as WorkloadSpec;
  assert.ok(!("hostPID" in template.spec));
  for (const { securityContext } of template.spec.containers) {
    assert.ok(!("privileged" in securityContext));
    const added = { drop: ["ALL"], add: ["NET_ADMIN", "NET_RAW", "SYS_ADMIN"] };
    assert.deepEqual(securityContext.capabilities, added);
  }
});

test("installationObjects() has the CNI plugin look where the nodes' runtime does", () => {
  const cniBinDir = "/var/lib/rancher/k3s/data/cni";
  const cniConfDir = "/var/lib/rancher/k3s/agent/etc/cni/net.d";
  const daemonSet = find("DaemonSet", installationObjects({ ...settings, cniBinDir, cniConfDir }));
  const { volumes } = (daemonSet.spec as WorkloadSpec).template.spec as {
    readonly volumes?: readonly { readonly hostPath: { readonly path: string } }[];
  };
  const paths = (volumes ?? []).map(({ hostPath }) => hostPath.path);
  assert.deepEqual(paths.slice(0, 2), [cniBinDir, cniConfDir]);
});

test("installationObjects() places the control plane's pods, and has images pulled by its Secrets", () => {
  const placement = {
    imagePullSecrets: ["registry"],
    nodeSelector: { pool: "mesh" },
    tolerations: [{ key: "dedicated", operator: "Exists" as const }],
    priorityClassName: "system-cluster-critical",
  };
  const env = [{ name: "SECRET_TTL", value: "1h" }];
  const built = installationObjects({ ...settings, ...placement, env });
  const [plane, cni, gateway] = ["meltemi", "meltemi-cni", "istio-ingressgateway"].map((name) => {
    const workload = built.find(({ kind, metadata }) => /Deploy|Daemon/.test(kind) && metadata.name === name);
    assert.ok(workload, name);
    return (workload.spec as { readonly template: { readonly spec: PlacedSpec } }).template.spec;
  });
  const pullSecrets = [{ name: "registry" }];
  const { containers, imagePullSecrets, nodeSelector, priorityClassName, tolerations } = plane as PlacedSpec;
  assert.deepEqual([imagePullSecrets, cni?.imagePullSecrets], [pullSecrets, pullSecrets]);
  assert.deepEqual(nodeSelector, { "kubernetes.io/os": "linux", pool: "mesh" });
  assert.deepEqual([tolerations, priorityClassName], [placement.tolerations, placement.priorityClassName]);
  assert.deepEqual(containers[0]?.env.slice(-2), [{ name: "IMAGE_PULL_SECRETS", value: "registry" }, ...env]);
  assert.equal(gateway?.tolerations, undefined, "the gateway has values of its own");
});

interface PlacedSpec {
  readonly imagePullSecrets?: readonly object[];
  readonly nodeSelector: Labels;
  readonly tolerations?: readonly object[];
  readonly priorityClassName?: string;
  readonly containers: readonly { readonly env: readonly object[] }[];
}

test("installationObjects() gives the gateway's Service what its user says of it", () => {
  const { gateway } = settings;
  const service = {
    ...gateway.service,
    annotations: { "example.com/lb": "internal" },
    loadBalancerSourceRanges: ["198.51.100.0/24"],
    externalTrafficPolicy: "Local" as const,
  };
  const built = installationObjects({ ...settings, gateway: { ...gateway, service } });
  const found = built.find(({ kind, metadata }) => kind === "Service" && metadata.name === gateway.name);
  assert.ok(found);
  const { externalTrafficPolicy, loadBalancerSourceRanges, type } = found.spec as typeof service;
  assert.deepEqual(
    [found.metadata.annotations, type, externalTrafficPolicy, loadBalancerSourceRanges],
    [service.annotations, "LoadBalancer", "Local", ["198.51.100.0/24"]],
  );
});

test("installationObjects() lets control planes delete pods in the gateway's namespace, and nowhere else", () => {
  const roles = objects.filter(({ kind }) => kind === "Role" || kind === "ClusterRole");
  const deleting = roles.filter(
    ({ metadata, rules }) => metadata.name !== "meltemi-cni" && JSON.stringify(rules).includes('"delete"'),
  );
  assert.deepEqual(deleting.map(keyOf), ["Role/meltemi-ingress/istio-ingressgateway-replacement"]);
  const binding = objects.find(
    ({ kind, metadata }) => kind === "RoleBinding" && metadata.name === deleting[0]?.metadata.name,
  );
  assert.ok(binding);
  const [subject] = binding.subjects as readonly { readonly name: string }[];
  assert.equal(subject?.name, "system:serviceaccounts:meltemi-system");
});

test("installationObjects() leaves the number of replicas to the autoscaler", () => {
  assert.equal((find("Deployment").spec as WorkloadSpec).replicas, undefined);
  assert.equal((find("HorizontalPodAutoscaler").spec as { minReplicas: number }).minReplicas, 2);
  const demo = installationObjects(settingsOf("demo"));
  assert.equal((find("Deployment", demo).spec as WorkloadSpec).replicas, 1);
});

test("installationObjects() takes images of its hub and tag", () => {
  const images = workloads.flatMap(({ spec }) =>
    (spec as WorkloadSpec).template.spec.containers.map(({ image }) => image),
  );
  assert.deepEqual(images.sort(), ["auto", "meltemi/cni:1.2.3", "meltemi/control-plane:1.2.3"]);
});

test("installationObjects() of another revision shares only what is one for the cluster", () => {
  const keys = new Set(objects.map(keyOf));
  const canary = installationObjects({ ...settings, revision: "canary" });
  const shared = canary.map(keyOf).filter((key) => keys.has(key));
  for (const key of shared) {
    assert.match(key, /^Namespace\/|meltemi-cni$|istio-ingressgateway(-replacement)?$/);
  }
  assert.ok(canary.map(keyOf).includes("Deployment/meltemi-system/meltemi-canary"));
});

function injectorsOf(revision: string): readonly Webhook[] {
  const all = installationObjects({ ...settings, revision });
  return find("MutatingWebhookConfiguration", all).webhooks as readonly Webhook[];
}

function askedBy(revision: string, namespace: Labels, pod: Labels): string[] {
  const place = { "kubernetes.io/metadata.name": "shop", ...namespace };
  const asked = injectorsOf(revision).filter(
    ({ namespaceSelector, objectSelector }) =>
      matchesSelector(namespaceSelector, place) && matchesSelector(objectSelector, pod),
  );
  return asked.map(({ name }) => name.replace(".sidecar-injector.istio.io", ""));
}

const injections: readonly (readonly [string, Labels, Labels, readonly string[]])[] = [
  ["default", {}, {}, []],
  ["default", { "istio-injection": "enabled" }, {}, ["namespace"]],
  ["default", { "istio-injection": "enabled" }, { "sidecar.istio.io/inject": "false" }, []],
  ["default", { "istio-injection": "disabled" }, { "sidecar.istio.io/inject": "true" }, []],
  ["default", {}, { "sidecar.istio.io/inject": "true" }, ["object"]],
  ["default", {}, { "istio.io/rev": "default" }, ["rev.object"]],
  ["default", {}, { "istio.io/rev": "default", "sidecar.istio.io/inject": "true" }, ["rev.object"]],
  ["default", { "istio.io/rev": "default" }, {}, ["rev.namespace"]],
  ["default", { "istio.io/rev": "canary" }, {}, []],
  ["default", { "istio-injection": "enabled", "istio.io/rev": "canary" }, {}, ["namespace"]],
  ["canary", { "istio.io/rev": "canary" }, {}, ["rev.namespace"]],
  ["canary", { "istio-injection": "enabled" }, {}, []],
  ["canary", { "istio-injection": "enabled", "istio.io/rev": "canary" }, {}, []],
  ["canary", {}, { "istio.io/rev": "canary" }, ["rev.object"]],
  ["canary", {}, { "sidecar.istio.io/inject": "true" }, []],
];

for (const [revision, namespace, pod, wanted] of injections) {
  const words = [namespace, pod].map((labels) => JSON.stringify(labels)).join(" ");
  test(`webhookConfigurations() of ${revision} ask for ${words}: ${wanted.join() || "no"}`, () => {
    assert.deepEqual(askedBy(revision, namespace, pod), wanted);
  });
}

test("webhookConfigurations() never ask about the namespaces that a cluster needs to recover", () => {
  for (const name of ["kube-system", "kube-public", "kube-node-lease", "meltemi-system", "meltemi-cni"]) {
    const namespace = { "kubernetes.io/metadata.name": name, "istio-injection": "enabled" };
    assert.deepEqual(askedBy("default", namespace, { "sidecar.istio.io/inject": "true" }), [], name);
  }
});

test("installStages() asks the API server for webhooks only when the control plane can answer", () => {
  const titles = installStages(settings).map(({ title }) => title);
  assert.ok(titles.indexOf("control plane") > titles.indexOf("CNI plugin"), "which it injects pods for");
  assert.ok(titles.indexOf("webhooks") > titles.indexOf("control plane"));
  assert.ok(titles.indexOf("ingress gateway") > titles.indexOf("webhooks"));
});

test("installationObjects() opens the control plane's ports in its NetworkPolicy as values.yaml says", () => {
  const ingressOf = (webhookCidrs: readonly string[]) => {
    const built = installationObjects({ ...settingsOf("default"), webhookCidrs });
    const policy = built.find(({ kind }) => kind === "NetworkPolicy");
    assert.ok(policy !== undefined);
    return (policy.spec as { readonly ingress: readonly object[] }).ingress;
  };
  const tcp = (port: number) => [{ port, protocol: "TCP" }];
  const monitoring = { from: [{ namespaceSelector: {} }], ports: tcp(15014) };
  assert.deepEqual(ingressOf([]), [{ ports: tcp(15012) }, { ports: tcp(15017) }, monitoring]);
  assert.deepEqual(ingressOf(["192.0.2.10/32"]), [
    { ports: tcp(15012) },
    { ports: tcp(15017), from: [{ ipBlock: { cidr: "192.0.2.10/32" } }] },
    monitoring,
  ]);
});
