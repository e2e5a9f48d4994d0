import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { startTestApi } from "../../tests/support/api-client.ts";
import type { TestObject } from "../../tests/support/api-server.ts";
import { systemClock } from "../core/clock.ts";
import { type InstallSettings, profileSettings } from "./install-settings.ts";
import { INSTALLED_LABEL } from "./object-names.ts";
import { precheck } from "./precheck.ts";

interface Cluster {
  readonly minor?: string;
  /** Of resources and verbs, such as `create deployments`. */
  readonly denied?: string;
  readonly objects?: readonly (readonly [collection: string, object: TestObject])[];
  readonly settings?: Partial<InstallSettings>;
}

const NODES = "/api/v1/nodes";
const NAMESPACES = "/api/v1/namespaces";
const PODS = "/api/v1/pods";
const INJECTORS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

function object(kind: string, name: string, fields: object = {}, metadata: object = {}): TestObject {
  return { apiVersion: "v1", kind, metadata: { name, ...metadata }, ...fields };
}

function node(labels: object): TestObject {
  return object("Node", "one", {}, { labels });
}

const FIT = node({ "kubernetes.io/os": "linux", "kubernetes.io/arch": "arm64" });

/** Severity and message of what is found. */
async function found(t: TestContext, cluster: Cluster): Promise<readonly string[]> {
  const { minor = "36", denied, objects = [[NODES, FIT]], settings } = cluster;
  const { server, client } = await startTestApi(t);
  server.define(NODES, NAMESPACES, PODS, INJECTORS, DEFINITIONS);
  for (const [collection, each] of objects) server.put(collection, each);
  server.intercept = ({ path }, body) => {
    if (path === "/version") return { status: 200, body: { major: "1", minor } };
    if (!path.endsWith("/selfsubjectaccessreviews")) return undefined;
    const { verb, resource, namespace } = (body as { spec: { resourceAttributes: Record<string, string> } })
      .spec.resourceAttributes;
    const asked = [verb, resource, ...(namespace === undefined ? [] : ["in", namespace])].join(" ");
    return { status: 201, body: { status: { allowed: asked !== denied } } };
  };
  const { signal } = new AbortController();
  const access = { client, clock: systemClock, signal, onProgress: () => undefined };
  const findings = await precheck(access, { ...profileSettings("minimal", "1"), ...settings });
  return findings.map(({ severity, message }) => `${severity}: ${message}`);
}

test("precheck() finds nothing wrong with a cluster that takes an installation", async (t) => {
  assert.deepEqual(await found(t, {}), []);
  assert.deepEqual(await found(t, { minor: "29+" }), []);
});

test("precheck() refuses an API server that is too old", async (t) => {
  assert.deepEqual(await found(t, { minor: "28+" }), ["error: found Kubernetes 1.28+, wanted at least 1.29"]);
});

test("precheck() says which right is missing, and asks no more then", async (t) => {
  const denied = "patch deployments in meltemi-system";
  // Without a fit node, which isn't looked for.
  assert.deepEqual(await found(t, { denied, objects: [] }), [
    "error: you may not patch deployments in namespace meltemi-system",
  ]);
  assert.deepEqual(await found(t, { denied: "create clusterroles", objects: [] }), [
    "error: you may not create clusterroles",
  ]);
});

test("precheck() warns of another mesh's definitions, and refuses to inject beside it", async (t) => {
  const theirs = object("CustomResourceDefinition", "gateways.networking.istio.io");
  const ours = object(
    "CustomResourceDefinition",
    "sidecars.networking.istio.io",
    {},
    {
      labels: { [INSTALLED_LABEL]: "meltemi" },
    },
  );
  const rivalBy = (selectors: object) =>
    object("MutatingWebhookConfiguration", "istio-sidecar-injector", { webhooks: [selectors] });
  const rival = (matchLabels: object) => rivalBy({ namespaceSelector: { matchLabels } });
  const oneOf = (...values: readonly string[]) => ({
    matchExpressions: [{ key: "istio.io/rev", operator: "In", values }],
  });
  const beside = (...objects: readonly (readonly [string, TestObject])[]) => [
    [NODES, FIT] as const,
    ...objects,
  ];
  assert.deepEqual(await found(t, { objects: beside([DEFINITIONS, theirs], [DEFINITIONS, ours]) }), [
    "warning: 1 definitions of Istio's kinds are another mesh's and will be left as they are",
  ]);
  const clash =
    'error: webhook configuration "istio-sidecar-injector" injects the pods of revision "default" too: they would get two sidecars';
  for (const labels of [{ "istio-injection": "enabled" }, { "istio.io/rev": "default" }])
    assert.deepEqual(await found(t, { objects: beside([INJECTORS, rival(labels)]) }), [clash]);
  for (const selectors of [
    { namespaceSelector: oneOf("other", "default") },
    { objectSelector: { matchLabels: { "istio.io/rev": "default" } } },
  ])
    assert.deepEqual(await found(t, { objects: beside([INJECTORS, rivalBy(selectors)]) }), [clash]);
  assert.deepEqual(
    await found(t, { objects: beside([INJECTORS, rivalBy({ namespaceSelector: oneOf("other") })]) }),
    [],
  );
  const other = { "istio.io/rev": "other" };
  assert.deepEqual(await found(t, { objects: beside([INJECTORS, rival(other)]) }), []);
});

test("precheck() refuses a cluster without a node that can run the images", async (t) => {
  const message = "error: no node runs Linux on amd64 or arm64, as the images need it";
  assert.deepEqual(await found(t, { objects: [] }), [message]);
  for (const labels of [
    { "kubernetes.io/os": "windows", "kubernetes.io/arch": "amd64" },
    { "kubernetes.io/os": "linux", "kubernetes.io/arch": "s390x" },
  ])
    assert.deepEqual(await found(t, { objects: [[NODES, node(labels)]] }), [message]);
});

test("precheck() warns of pods whose revision nobody injects", async (t) => {
  const asking = (name: string, labels: object = { "istio.io/rev": "misspelt" }) =>
    [NAMESPACES, object("Namespace", name, {}, { labels })] as const;
  // Where the mesh's own pods run nobody injects; and a pod that started before the mesh asks for what will be there.
  const own = [
    asking("meltemi-system"),
    asking("meltemi-cni"),
    asking("bar", { "istio-injection": "enabled" }),
  ];
  const proxy = { name: "istio-proxy", image: "auto" };
  const early = object("Pod", "early", { spec: { containers: [proxy] } }, { namespace: "bar" });
  const pod = object("Pod", "web-1", { spec: { containers: [{ name: "app" }] } }, { namespace: "shop" });
  const [warning, ...others] = await found(t, {
    objects: [[NODES, FIT], asking("shop"), ...own, [PODS, pod], [PODS, early]],
  });
  assert.match(
    warning ?? "",
    /^warning: 1 pods of namespace "shop" ask for revision "misspelt", which nobody injects/,
  );
  assert.deepEqual(others, []);
});

test("precheck() warns of namespaces whose Pod Security refuses capture by an init container", async (t) => {
  const secured = (level: string, more: object = {}) =>
    object(
      "Namespace",
      "shop",
      {},
      {
        labels: { "istio-injection": "enabled", "pod-security.kubernetes.io/enforce": level },
        ...more,
      },
    );
  const ask = (namespace: TestObject, settings: Partial<InstallSettings> = {}) =>
    found(t, {
      objects: [
        [NODES, FIT],
        [NAMESPACES, namespace],
      ],
      settings,
    });
  for (const level of ["baseline", "restricted"]) {
    const [warning, ...others] = await ask(secured(level));
    assert.match(
      warning ?? "",
      new RegExp(`^warning: namespace "shop" has the Pod Security level "${level}"`),
    );
    assert.deepEqual(others, []);
  }
  assert.deepEqual(await ask(secured("privileged")), []);
  const uninjected = { labels: { "pod-security.kubernetes.io/enforce": "restricted" } };
  assert.deepEqual(await ask(object("Namespace", "shop", {}, uninjected)), []);
  assert.deepEqual(await ask(secured("restricted", { deletionTimestamp: "2026-01-01T00:00:00Z" })), []);
  assert.deepEqual(await ask(secured("restricted"), { hasCni: true }), []);
});
