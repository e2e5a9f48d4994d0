import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container } from "../kinds/pod/container.ts";
import { injectPod } from "./inject-pod.ts";
import type { InjectablePod } from "./injectable-pod.ts";
import type { InjectionSettings } from "./injection-settings.ts";
import { defaultInjectionSettings } from "./injection-settings.ts";

interface PodOptions {
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
  readonly containers?: readonly Container[];
  readonly initContainers?: readonly Container[];
}

const reviews: Container = {
  name: "reviews",
  image: "shop/reviews",
  ports: [{ name: "http", containerPort: 9080 }],
};

function podOf({
  labels,
  annotations = {},
  containers = [reviews],
  initContainers,
}: PodOptions = {}): InjectablePod {
  const owner = {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    name: "reviews-v1-5f7d",
    uid: "1",
    controller: true,
  };
  return {
    metadata: {
      namespace: "shop",
      generateName: "reviews-v1-5f7d-",
      labels: { app: "reviews", version: "v1", "pod-template-hash": "5f7d", ...labels },
      annotations,
      ownerReferences: [owner],
    },
    spec: { containers, ...(initContainers === undefined ? {} : { initContainers }) },
  };
}

function inject(pod: InjectablePod, changes: Partial<InjectionSettings> = {}): InjectablePod {
  const injection = injectPod(pod, undefined, { ...defaultInjectionSettings, ...changes });
  assert.ok(injection.kind === "injected", JSON.stringify(injection));
  return injection.pod;
}

function proxyOf({ spec }: InjectablePod): Container {
  const found = [...spec.containers, ...(spec.initContainers ?? [])].find(
    ({ name }) => name === "istio-proxy",
  );
  assert.ok(found !== undefined);
  return found;
}

function envOf(pod: InjectablePod, name: string): string | undefined {
  return proxyOf(pod).env?.find((variable) => variable.name === name)?.value;
}

function initArgs(pod: InjectablePod): readonly string[] {
  return pod.spec.initContainers?.find(({ name }) => name === "istio-init")?.args ?? [];
}

test("injectPod() adds the init container, the proxy and its volumes", () => {
  const { spec } = inject(podOf());
  assert.deepEqual(
    spec.initContainers?.map(({ name }) => name),
    ["istio-init"],
  );
  assert.deepEqual(
    spec.containers.map(({ name }) => name),
    ["reviews", "istio-proxy"],
  );
  assert.deepEqual(
    spec.volumes?.map(({ name }) => name),
    [
      "workload-socket",
      "credential-socket",
      "workload-certs",
      "istio-envoy",
      "istio-data",
      "istio-podinfo",
      "istio-token",
      "istiod-ca-cert",
    ],
  );
});

test("injectPod() labels the pod for telemetry and mTLS", () => {
  const { labels } = inject(podOf()).metadata;
  assert.equal(labels?.["service.istio.io/canonical-name"], "reviews");
  assert.equal(labels?.["service.istio.io/canonical-revision"], "v1");
  assert.equal(labels?.["security.istio.io/tlsMode"], "istio");
});

test("injectPod() doesn't say of a gateway that it speaks mTLS on every port", () => {
  const containers = [{ name: "istio-proxy", image: "auto" }];
  const { labels } = inject(
    podOf({ containers, annotations: { "inject.istio.io/templates": "gateway" } }),
  ).metadata;
  assert.equal(labels?.["security.istio.io/tlsMode"], undefined);
  assert.equal(labels?.["service.istio.io/canonical-name"], "reviews");
});

test("injectPod() names the Deployment behind a ReplicaSet as the owner", () => {
  const injected = inject(podOf());
  assert.equal(envOf(injected, "ISTIO_META_WORKLOAD_NAME"), "reviews-v1");
  const owner = "kubernetes://apis/apps/v1/namespaces/shop/deployments/reviews-v1";
  assert.equal(envOf(injected, "ISTIO_META_OWNER"), owner);
});

test("injectPod() tells the proxy the app's ports and containers", () => {
  const injected = inject(podOf());
  assert.equal(envOf(injected, "ISTIO_META_POD_PORTS"), '[{"name":"http","containerPort":9080}]');
  assert.equal(envOf(injected, "ISTIO_META_APP_CONTAINERS"), "reviews");
});

test("injectPod() leaves a note of what it added", () => {
  const status = JSON.parse(inject(podOf()).metadata.annotations?.["sidecar.istio.io/status"] ?? "{}");
  assert.deepEqual([status.initContainers, status.containers], [["istio-init"], ["istio-proxy"]]);
});

test("injectPod() applied twice is the same as once", () => {
  const containers = [{ ...reviews, livenessProbe: { httpGet: { path: "/health", port: "http" } } }];
  const annotations = { "prometheus.io/scrape": "true", "prometheus.io/port": "9080" };
  const once = inject(podOf({ containers, annotations }));
  assert.deepEqual(inject(once), once);
});

const captureAnnotations = [
  { name: "traffic.sidecar.istio.io/includeOutboundIPRanges", value: "10.0.0.0/8", flag: "-i" },
  { name: "traffic.sidecar.istio.io/excludeOutboundIPRanges", value: "10.1.0.0/16", flag: "-x" },
  { name: "traffic.sidecar.istio.io/includeInboundPorts", value: "80,443", flag: "-b" },
  { name: "traffic.sidecar.istio.io/includeOutboundPorts", value: "9000", flag: "-q" },
  { name: "traffic.sidecar.istio.io/excludeOutboundPorts", value: "3306", flag: "-o" },
  { name: "traffic.sidecar.istio.io/excludeInterfaces", value: "net1", flag: "-c" },
  { name: "traffic.sidecar.istio.io/kubevirtInterfaces", value: "vnet0", flag: "-k" },
  { name: "istio.io/reroute-virtual-interfaces", value: "vnet1", flag: "-k" },
  { name: "sidecar.istio.io/interceptionMode", value: "TPROXY", flag: "-m" },
];

for (const { name, value, flag } of captureAnnotations) {
  test(`injectPod() passes ${name} as ${flag}`, () => {
    const args = initArgs(inject(podOf({ annotations: { [name]: value } })));
    assert.equal(args[args.indexOf(flag) + 1], value);
  });
}

test("injectPod() excludes the proxy's own ports beside the user's", () => {
  const annotations = { "traffic.sidecar.istio.io/excludeInboundPorts": "4,5" };
  const args = initArgs(inject(podOf({ annotations })));
  assert.equal(args[args.indexOf("-d") + 1], "15090,15021,4,5,15020");
});

test("injectPod() refuses an annotation that it can't read", () => {
  const annotations = { "traffic.sidecar.istio.io/excludeOutboundPorts": "http" };
  const injection = injectPod(podOf({ annotations }), undefined, defaultInjectionSettings);
  assert.ok(injection.kind === "refused");
  assert.match(
    injection.problems[0]?.message ?? "",
    /"http" of annotation .*excludeOutboundPorts: wanted ports/,
  );
});

test("injectPod() captures nothing in mode NONE", () => {
  const injected = inject(podOf({ annotations: { "sidecar.istio.io/interceptionMode": "NONE" } }));
  assert.equal(injected.spec.initContainers, undefined);
});

test("injectPod() puts the proxy first where the app is to wait for it", () => {
  const annotations = { "proxy.istio.io/config": "holdApplicationUntilProxyStarts: true" };
  const injected = inject(podOf({ annotations }));
  assert.deepEqual(
    injected.spec.containers.map(({ name }) => name),
    ["istio-proxy", "reviews"],
  );
  assert.deepEqual(proxyOf(injected).lifecycle?.postStart?.exec?.command, ["pilot-agent", "wait"]);
});

test("injectPod() makes a native sidecar an init container before the user's own", () => {
  const initContainers = [{ name: "migrate", image: "shop/migrate" }];
  const injected = inject(podOf({ initContainers }), { usesNativeSidecars: true });
  assert.deepEqual(
    injected.spec.initContainers?.map(({ name }) => name),
    ["istio-init", "istio-proxy", "migrate"],
  );
  assert.equal(proxyOf(injected).restartPolicy, "Always");
});

const captures = [
  { usesNativeSidecars: false, names: ["istio-validation", "migrate"] },
  { usesNativeSidecars: true, names: ["istio-validation", "istio-proxy", "migrate"] },
];

for (const { usesNativeSidecars, names } of captures) {
  test(`injectPod() with a CNI plugin starts with validation: ${names.join(", ")}`, () => {
    const initContainers = [{ name: "migrate", image: "shop/migrate" }];
    const { metadata, spec } = inject(podOf({ initContainers }), { capture: "cni", usesNativeSidecars });
    assert.deepEqual(
      spec.initContainers?.map(({ name }) => name),
      names,
    );
    const status = JSON.parse(metadata.annotations?.["sidecar.istio.io/status"] ?? "{}");
    assert.deepEqual([...status.initContainers, "migrate"], names);
  });
}

test("injectPod() with a CNI plugin validates what the init container would capture", () => {
  const annotations = { "traffic.sidecar.istio.io/excludeOutboundPorts": "3306" };
  const validation = inject(podOf({ annotations }), { capture: "cni" }).spec.initContainers?.[0];
  const wanted = [...initArgs(inject(podOf({ annotations }))), "--run-validation", "--skip-rule-apply"];
  assert.deepEqual(validation?.args, wanted);
});

test("injectPod() with a CNI plugin adds only containers that the level restricted allows", () => {
  const containers = [{ ...reviews, securityContext: { runAsUser: 1000 } }];
  for (const usesNativeSidecars of [true, false]) {
    const { spec } = inject(podOf({ containers }), { capture: "cni", usesNativeSidecars });
    const added = [...(spec.initContainers ?? []), ...spec.containers].filter(
      ({ name }) => name !== "reviews",
    );
    assert.equal(added.length, 2);
    for (const { securityContext } of added) {
      assert.deepEqual(securityContext?.capabilities, { drop: ["ALL"] });
      assert.deepEqual(securityContext?.seccompProfile, { type: "RuntimeDefault" });
      assert.equal(securityContext?.allowPrivilegeEscalation, false);
      assert.equal(securityContext?.runAsNonRoot, true);
    }
  }
});

test("injectPod() with a CNI plugin has nothing to validate in mode NONE", () => {
  const annotations = { "sidecar.istio.io/interceptionMode": "NONE" };
  assert.equal(inject(podOf({ annotations }), { capture: "cni" }).spec.initContainers, undefined);
});

test("injectPod() lays the user's istio-proxy container over its own", () => {
  const own = {
    name: "istio-proxy",
    image: "auto",
    env: [{ name: "TZ", value: "UTC" }],
    resources: { limits: { cpu: "1" } },
  };
  const proxy = proxyOf(inject(podOf({ containers: [reviews, own] })));
  assert.equal(proxy.image, defaultInjectionSettings.images.proxy);
  assert.equal(proxy.resources?.limits?.cpu, "1");
  assert.equal(proxy.resources?.limits?.memory, "1Gi");
  assert.ok(proxy.env?.some(({ name }) => name === "TZ"));
  assert.ok(proxy.env?.some(({ name }) => name === "POD_NAME"));
});

test("injectPod() builds a gateway from the template of that name", () => {
  const containers = [{ name: "istio-proxy", image: "auto", ports: [{ containerPort: 8080 }] }];
  const injected = inject(podOf({ containers, annotations: { "inject.istio.io/templates": "gateway" } }));
  assert.equal(injected.spec.initContainers, undefined);
  assert.deepEqual(proxyOf(injected).args?.slice(0, 2), ["proxy", "router"]);
  assert.deepEqual(
    proxyOf(injected).ports?.map(({ containerPort }) => containerPort),
    [15090, 8080],
  );
  const sysctl = { name: "net.ipv4.ip_unprivileged_port_start", value: "0" };
  assert.deepEqual(injected.spec.securityContext?.sysctls, [sysctl]);
});

test("injectPod() merges the app's metrics with the proxy's", () => {
  const annotations = {
    "prometheus.io/scrape": "true",
    "prometheus.io/port": "9080",
    "prometheus.io/path": "/m",
  };
  const injected = inject(podOf({ annotations }));
  assert.equal(injected.metadata.annotations?.["prometheus.io/port"], "15020");
  const own = '{"scrape":"true","path":"/m","port":"9080"}';
  assert.equal(envOf(injected, "ISTIO_PROMETHEUS_ANNOTATIONS"), own);
});

test("injectPod() merges several pages of the app's metrics, none of them the proxy's own", () => {
  const targets = (text: string) => podOf({ annotations: { "prometheus.istio.io/scrape-targets": text } });
  const injected = inject(targets(" 9102 , 09103:/m?x=1 "));
  assert.equal(injected.metadata.annotations?.["prometheus.io/port"], "15020");
  const pages = '[{"port":"9102","path":"/metrics"},{"port":"9103","path":"/m?x=1"}]';
  const expected = `{"scrape":"","path":"","port":"","targets":${pages}}`;
  assert.equal(envOf(injected, "ISTIO_PROMETHEUS_ANNOTATIONS"), expected);
  const faults = ["http:/m", "0", "65536", "9102:m", "015020:/stats", "15090"];
  for (const text of faults) {
    const injection = injectPod(targets(text), undefined, defaultInjectionSettings);
    assert.equal(injection.kind, "refused", text);
  }
});

test("injectPod() takes the proxy's resources from annotations", () => {
  const annotations = { "sidecar.istio.io/proxyCPU": "50m", "sidecar.istio.io/proxyMemoryLimit": "256Mi" };
  const { resources } = proxyOf(inject(podOf({ annotations })));
  assert.deepEqual(resources, { requests: { cpu: "50m" }, limits: { memory: "256Mi" } });
});

test("injectPod() hands proxyMetadata to proxy and init container", () => {
  const meshConfig = { defaultConfig: { proxyMetadata: { ISTIO_META_DNS_CAPTURE: "true" } } };
  const injected = inject(podOf(), { meshConfig });
  assert.equal(envOf(injected, "ISTIO_META_DNS_CAPTURE"), "true");
  const wanted = [{ name: "ISTIO_META_DNS_CAPTURE", value: "true" }];
  assert.deepEqual(injected.spec.initContainers?.[0]?.env, wanted);
});

test("injectPod() leaves out a limit of zero", () => {
  const annotations = { "sidecar.istio.io/proxyCPU": "50m", "sidecar.istio.io/proxyCPULimit": "0" };
  assert.deepEqual(proxyOf(inject(podOf({ annotations }))).resources, { requests: { cpu: "50m" } });
});

test("injectPod() mounts the user's volumes into the proxy alone", () => {
  const annotations = {
    "sidecar.istio.io/userVolume": '{"certs": {"secret": {"secretName": "tls"}}}',
    "sidecar.istio.io/userVolumeMount": '{"certs": {"mountPath": "/etc/certs", "readOnly": true}}',
  };
  const injected = inject(podOf({ annotations }));
  assert.deepEqual(injected.spec.volumes?.at(-1), { name: "certs", secret: { secretName: "tls" } });
  const mount = { name: "certs", mountPath: "/etc/certs", readOnly: true };
  assert.deepEqual(proxyOf(injected).volumeMounts?.at(-1), mount);
  assert.equal(injected.spec.containers[0]?.volumeMounts, undefined);
});

test("injectPod() mounts what is to be merged into the bootstrap", () => {
  const injected = inject(podOf({ annotations: { "sidecar.istio.io/bootstrapOverride": "my-bootstrap" } }));
  const volume = { name: "custom-bootstrap-volume", configMap: { name: "my-bootstrap" } };
  assert.deepEqual(injected.spec.volumes?.at(-1), volume);
  const file = "/etc/istio/custom-bootstrap/custom_bootstrap.json";
  assert.equal(envOf(injected, "ISTIO_BOOTSTRAP_OVERRIDE"), file);
});

test("injectPod() with status port 0 leaves probes and metrics alone", () => {
  const containers = [{ ...reviews, livenessProbe: { httpGet: { path: "/health", port: "http" } } }];
  const annotations = { "status.sidecar.istio.io/port": "0", "prometheus.io/port": "9080" };
  const injected = inject(podOf({ containers, annotations }));
  assert.equal(proxyOf(injected).readinessProbe, undefined);
  assert.deepEqual(injected.spec.containers[0], containers[0]);
  assert.equal(injected.metadata.annotations?.["prometheus.io/port"], "9080");
  assert.equal(initArgs(injected).includes("15090,15021"), true);
});

const proxyConfigs = [
  {
    annotation: "sidecar.istio.io/discoveryAddress",
    text: "other:15012",
    field: { discoveryAddress: "other:15012" },
  },
  {
    annotation: "sidecar.istio.io/controlPlaneAuthPolicy",
    text: "NONE",
    field: { controlPlaneAuthPolicy: "NONE" },
  },
  {
    annotation: "sidecar.istio.io/statsInclusionPrefixes",
    text: "cluster.outbound,http",
    field: { proxyStatsMatcher: { inclusionPrefixes: ["cluster.outbound", "http"] } },
  },
  { annotation: "proxy.istio.io/config", text: '{"concurrency": "4"}', field: { concurrency: 4 } },
];

for (const { annotation, text, field } of proxyConfigs) {
  test(`injectPod() hands ${annotation} to the agent in its ProxyConfig`, () => {
    const config = JSON.parse(
      envOf(inject(podOf({ annotations: { [annotation]: text } })), "PROXY_CONFIG") ?? "",
    );
    for (const [name, value] of Object.entries(field)) assert.deepEqual(config[name], value);
  });
}

test("injectPod() refuses a ProxyConfig with a field that there isn't", () => {
  const annotations = { "proxy.istio.io/config": "concurency: 2" };
  const injection = injectPod(podOf({ annotations }), undefined, defaultInjectionSettings);
  assert.ok(injection.kind === "refused");
  assert.match(injection.problems[0]?.message ?? "", /no field "concurency".*did you mean "concurrency"/);
});

test("injectPod() takes network, workload name and log levels from where they are said", () => {
  const injected = inject(
    podOf({
      labels: { "service.istio.io/workload-name": "ratings" },
      annotations: { "sidecar.istio.io/logLevel": "debug" },
    }),
    { network: "net-1", logLevels: { proxy: "info", components: "misc:info", agent: "default:warn" } },
  );
  assert.equal(injected.metadata.labels?.["topology.istio.io/network"], "net-1");
  assert.equal(envOf(injected, "ISTIO_META_NETWORK"), "net-1");
  assert.equal(envOf(injected, "ISTIO_META_WORKLOAD_NAME"), "ratings");
  assert.deepEqual(proxyOf(injected).args?.slice(-3), [
    "--proxyLogLevel=debug",
    "--proxyComponentLogLevel=misc:info",
    "--log_output_level=default:warn",
  ]);
});

test("injectPod() lets a pod's own network stand over the mesh's", () => {
  const pod = podOf({ labels: { "topology.istio.io/network": "net-2" } });
  assert.equal(envOf(inject(pod, { network: "net-1" }), "ISTIO_META_NETWORK"), "net-2");
});

test("injectPod() runs and captures by the ids of the namespace", () => {
  const injected = inject(podOf(), { proxyIds: { uid: 1009999, gid: 1019999 } });
  assert.equal(proxyOf(injected).securityContext?.runAsUser, 1009999);
  assert.equal(proxyOf(injected).securityContext?.runAsGroup, 1019999);
  const args = initArgs(injected);
  assert.equal(args[args.indexOf("-u") + 1], "1009999");
  assert.equal(args[args.indexOf("-g") + 1], "1019999");
});

test("injectPod() adds the mesh's pull secrets once, and takes them out again", () => {
  const pod = { ...podOf(), spec: { ...podOf().spec, imagePullSecrets: [{ name: "own" }] } };
  const once = inject(pod, { imagePullSecrets: ["mesh", "own"], imagePullPolicy: "Always" });
  assert.deepEqual(once.spec.imagePullSecrets, [{ name: "mesh" }, { name: "own" }]);
  assert.equal(proxyOf(once).imagePullPolicy, "Always");
  assert.deepEqual(inject(once).spec.imagePullSecrets, [{ name: "own" }]);
});

test("injectPod() leaves a volume of the user's by its name, twice too", () => {
  const volumes = [{ name: "istio-data", hostPath: { path: "/data" } }];
  const once = inject({ ...podOf(), spec: { ...podOf().spec, volumes } });
  assert.equal(once.spec.volumes?.filter(({ name }) => name === "istio-data").length, 1);
  assert.deepEqual(inject(once).spec.volumes?.at(-1), volumes[0]);
});

test("injectPod() with a CNI plugin writes the mesh's capture on the pod", () => {
  const name = "traffic.sidecar.istio.io/includeOutboundIPRanges";
  const injected = inject(podOf(), { capture: "cni", captureDefaults: { [name]: "10.0.0.0/8" } });
  assert.equal(injected.metadata.annotations?.[name], "10.0.0.0/8");
});

interface WarningCase {
  readonly security?: InjectablePod["spec"]["securityContext"];
  readonly annotations?: Record<string, string>;
  readonly settings?: Partial<InjectionSettings>;
  readonly warning: RegExp;
}

const initContainers = [{ name: "migrate", image: "shop/migrate" }];
const warnings: readonly WarningCase[] = [
  {
    annotations: { "sidecar.istio.io/proxyCpu": "1" },
    warning: /proxyCpu has no effect: it isn't known, did you mean "sidecar\.istio\.io\/proxyCPU"/,
  },
  {
    annotations: { "sidecar.istio.io/enableCoreDump": "true" },
    warning: /enableCoreDump has no effect: it would need a privileged container/,
  },
  {
    annotations: { "sidecar.istio.io/nativeSidecar": "true" },
    settings: { supportsNativeSidecars: false },
    warning: /classic one: a node's kubelet is older than 1\.29/,
  },
  { settings: { capture: "cni" }, warning: /Init containers "migrate" have no network and no DNS/ },
  { security: { runAsUser: 1337 }, warning: /Container "[a-z]+" runs as user or group 1337, the proxy's/ },
  { security: { runAsGroup: 1337 }, warning: /its requests bypass the mesh/ },
  {
    security: { runAsUser: 4_000 },
    settings: { proxyIds: { uid: 4_000, gid: 4_000 } },
    warning: /user or group 4000/,
  },
];

for (const { annotations = {}, security, settings = {}, warning } of warnings) {
  test(`injectPod() warns: ${warning.source}`, () => {
    const { metadata, spec } = podOf({ annotations, initContainers });
    const pod = {
      metadata,
      spec: { ...spec, ...(security === undefined ? {} : { securityContext: security }) },
    };
    const injection = injectPod(pod, undefined, { ...defaultInjectionSettings, ...settings });
    assert.ok(injection.kind === "injected");
    assert.equal(injection.warnings.length, 1);
    assert.match(injection.warnings[0]?.message ?? "", warning);
    assert.equal(injection.warnings[0]?.severity, "warning");
  });
}

const untroubled: readonly WarningCase[] = [
  { settings: { capture: "cni", usesNativeSidecars: true }, warning: /native/ },
  { settings: { capture: "init" }, warning: /init container/ },
  {
    settings: { capture: "cni" },
    annotations: { "traffic.sidecar.istio.io/includeOutboundIPRanges": "" },
    warning: /nothing captured/,
  },
];

for (const { annotations = {}, settings = {}, warning } of untroubled) {
  test(`injectPod() doesn't warn of init containers: ${warning.source}`, () => {
    const pod = podOf({ annotations, initContainers });
    const injection = injectPod(pod, undefined, { ...defaultInjectionSettings, ...settings });
    assert.deepEqual(injection.kind === "injected" && injection.warnings, []);
  });
}
