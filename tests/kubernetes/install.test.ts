// The installer on a real API server with a controller-manager. There is no node: a stand-in says of each pod that it is
// ready and writes certificates into webhooks, so what is proven is the installer, not the images.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { systemClock } from "../../src/core/clock.ts";
import { redacted } from "../../src/core/redacted.ts";
import { applyInstallation } from "../../src/install/apply-installation.ts";
import type { ClusterAccess } from "../../src/install/cluster-access.ts";
import { customResourceDefinitions } from "../../src/install/custom-resource-definition.ts";
import { profileSettings } from "../../src/install/install-settings.ts";
import { precheck } from "../../src/install/precheck.ts";
import { removeInstallation } from "../../src/install/remove-installation.ts";
import { createApiClient } from "../../src/kubernetes/api-client.ts";
import type { ApiServer } from "./cluster/api-server.ts";
import { startApiServer, whyNoApiServer } from "./cluster/api-server.ts";

const skip = whyNoApiServer();
const settings = profileSettings("minimal", "1.2.3");
// A busy API server takes its time to let definitions go: it tries again after ever longer pauses.
const timeoutMs = 300_000;
let server: ApiServer;
let access: ClusterAccess;
let standIn: NodeJS.Timeout;
const progress: string[] = [];

before(async () => {
  if (skip) return;
  server = await startApiServer({ controllerManager: true });
  const endpoint = {
    url: new URL(server.url),
    caPem: server.caPem,
    credentials: async () => ({ bearerToken: redacted(server.token) }),
    forgetCredentials: () => undefined,
  };
  access = {
    client: createApiClient(endpoint, { clock: systemClock, userAgent: "test" }),
    clock: systemClock,
    signal: new AbortController().signal,
    onProgress: (sentence) => progress.push(sentence),
  };
  standIn = setInterval(() => {
    makePodsReady().catch(() => undefined);
    writeCertificates().catch(() => undefined);
  }, 1_000);
});

after(async () => {
  clearInterval(standIn);
  access?.client.close();
  await server?.close();
});

interface Pod {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly status: { readonly phase: string };
}

async function makePodsReady() {
  const pods = JSON.parse(await server.kubectl(["get", "pods", "-A", "-o", "json"])) as { items: Pod[] };
  const time = new Date().toISOString();
  const condition = { type: "Ready", status: "True", lastTransitionTime: time };
  const patch = JSON.stringify({ status: { phase: "Running", conditions: [condition] } });
  for (const { metadata, status } of pods.items) {
    if (status.phase === "Running") continue;
    const place = ["pod", metadata.name, "-n", metadata.namespace];
    await server.kubectl(["patch", ...place, "--subresource", "status", "--type", "merge", "-p", patch]);
  }
}

interface WebhookConfiguration {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly webhooks: readonly { readonly clientConfig: { readonly caBundle?: string } }[];
}

async function writeCertificates() {
  const kinds = "mutatingwebhookconfigurations,validatingwebhookconfigurations";
  const text = await server.kubectl(["get", kinds, "-l", "install.meltemi.dev/installation", "-o", "json"]);
  const value = Buffer.from(server.caPem).toString("base64");
  for (const { kind, metadata, webhooks } of (JSON.parse(text) as { items: WebhookConfiguration[] }).items) {
    const patch = webhooks.flatMap(({ clientConfig }, index) =>
      clientConfig.caBundle ? [] : [{ op: "add", path: `/webhooks/${index}/clientConfig/caBundle`, value }],
    );
    if (patch.length === 0) continue;
    await server.kubectl(["patch", kind, metadata.name, "--type", "json", "-p", JSON.stringify(patch)]);
  }
}

async function namesOf(...args: readonly string[]): Promise<string[]> {
  const text = await server.kubectl(["get", ...args, "-o", "name"]);
  return text.split("\n").filter((line) => line !== "");
}

test("precheck() finds only that there are no nodes", { skip }, async () => {
  assert.deepEqual(
    (await precheck(access, settings)).map(({ message }) => message),
    ["no node runs Linux on amd64 or arm64, as the images need it"],
  );
});

test("precheck() names namespaces that ask for a revision that nobody injects", { skip }, async (t) => {
  await server.kubectl(["create", "namespace", "shop"]);
  t.after(() => server.kubectl(["delete", "namespace", "shop", "--wait=false"]));
  await server.kubectl(["label", "namespace", "shop", "istio.io/rev=prdo"]);
  const warningsFor = async (revision: string) => {
    const findings = await precheck(access, { ...settings, revision });
    return findings.filter(({ severity }) => severity === "warning").map(({ message }) => message);
  };
  const [warning, ...others] = await warningsFor("default");
  assert.match(warning ?? "", /^pods of namespace "shop" ask for revision "prdo", which nobody injects/);
  assert.deepEqual([others, await warningsFor("prdo")], [[], []]);
});

test("precheck() names namespaces whose Pod Security level refuses the default profile's pods", {
  skip,
}, async (t) => {
  await server.kubectl(["create", "namespace", "confined"]);
  t.after(() => server.kubectl(["delete", "namespace", "confined", "--wait=false"]));
  const labels = ["istio-injection=enabled", "pod-security.kubernetes.io/enforce=baseline"];
  await server.kubectl(["label", "namespace", "confined", ...labels]);
  const warnings = async (hasCni: boolean) =>
    (await precheck(access, { ...settings, hasCni })).filter(({ severity }) => severity === "warning");
  const [warning, ...others] = await warnings(false);
  assert.match(warning?.message ?? "", /namespace "confined" has the Pod Security level "baseline"/);
  assert.match(warning?.hint ?? "", /--profile cni/);
  assert.deepEqual([others, await warnings(true)], [[], []]);
});

test("precheck() says what a user without rights may not do", { skip }, async () => {
  const token = (await server.kubectl(["create", "token", "default", "-n", "default"])).trim();
  const endpoint = {
    url: new URL(server.url),
    caPem: server.caPem,
    credentials: async () => ({ bearerToken: redacted(token) }),
    forgetCredentials: () => undefined,
  };
  const client = createApiClient(endpoint, { clock: systemClock, userAgent: "test" });
  const findings = await precheck({ ...access, client }, settings);
  client.close();
  assert.ok(findings.some(({ message }) => message === "you may not create namespaces"));
});

test("applyInstallation() installs, and the second time changes nothing", { skip }, async () => {
  const verdict = await applyInstallation(access, settings, { timeoutMs });
  assert.deepEqual(verdict, { isHealthy: true, findings: [] });
  const versionOf = (kind: string) =>
    server
      .kubectl(["get", kind, "-l", "install.meltemi.dev/installation", "-o", "json"])
      .then((text) =>
        (JSON.parse(text) as { items: { metadata: { name: string; resourceVersion: string } }[] }).items.map(
          ({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`,
        ),
      );
  const kinds = "clusterroles,mutatingwebhookconfigurations,validatingwebhookconfigurations";
  const earlier = await versionOf(kinds);
  assert.equal(earlier.length, 3);
  assert.equal((await applyInstallation(access, settings, { timeoutMs })).isHealthy, true);
  assert.deepEqual(await versionOf(kinds), earlier);
});

test("applyInstallation() begins with the fewest replicas, and leaves the autoscaler's number", {
  skip,
}, async () => {
  const deployment = ["deployment", "meltemi", "-n", "meltemi-system"];
  const replicas = () => server.kubectl(["get", ...deployment, "-o", "jsonpath={.spec.replicas}"]);
  assert.equal(await replicas(), "2");
  await server.kubectl(["scale", ...deployment, "--replicas=4"]);
  await applyInstallation(access, { ...settings, tag: "1.2.3-again" }, { timeoutMs });
  assert.equal(await replicas(), "4");
});

test("applyInstallation() leaves alone the certificate that the control plane wrote", { skip }, async () => {
  const caBundle = Buffer.from(server.caPem).toString("base64");
  const patch = JSON.stringify([{ op: "add", path: "/webhooks/0/clientConfig/caBundle", value: caBundle }]);
  const name = ["mutatingwebhookconfiguration", "meltemi-sidecar-injector"];
  await server.kubectl(["patch", ...name, "--type", "json", "-p", patch]);
  await applyInstallation(access, { ...settings, tag: "1.2.4" }, { timeoutMs });
  const path = "jsonpath={.webhooks[0].clientConfig.caBundle}";
  assert.equal(await server.kubectl(["get", ...name, "-o", path]), caBundle);
  const image = "jsonpath={.spec.template.spec.containers[0].image}";
  const deployment = ["deployment", "meltemi", "-n", "meltemi-system"];
  assert.equal(await server.kubectl(["get", ...deployment, "-o", image]), "meltemi/control-plane:1.2.4");
});

test("applyInstallation() removes what is no longer wanted", { skip }, async () => {
  assert.equal((await namesOf("networkpolicies", "-n", "meltemi-system")).length, 1);
  await applyInstallation(access, { ...settings, hasNetworkPolicies: false }, { timeoutMs });
  assert.deepEqual(await namesOf("networkpolicies", "-n", "meltemi-system"), []);
});

test("removeInstallation() of one revision keeps the other, and what they share", { skip }, async () => {
  const canary = { ...settings, revision: "canary" };
  await applyInstallation(access, { ...settings, hasCni: true }, { timeoutMs });
  await applyInstallation(access, canary, { timeoutMs });
  const verdict = await removeInstallation(access, { revision: "default", isPurge: false, timeoutMs });
  assert.deepEqual(verdict.otherRevisions, ["canary"]);
  const kept = ["deployment.apps/meltemi-canary", "daemonset.apps/meltemi-cni"];
  assert.deepEqual(await namesOf("deployments,daemonsets", "-A"), kept);
  await applyInstallation(access, canary, { timeoutMs });
  assert.deepEqual(
    await namesOf("deployments,daemonsets", "-A"),
    kept,
    "an upgrade of the canary keeps them",
  );
});

test("removeInstallation() keeps users' objects; a purge leaves nothing", { skip }, async () => {
  const object = {
    apiVersion: "security.istio.io/v1",
    kind: "PeerAuthentication",
    metadata: { name: "strict", namespace: "default" },
    spec: { mtls: { mode: "STRICT" } },
  };
  await server.kubectl(["create", "-f", "-"], { input: JSON.stringify(object) });
  await removeInstallation(access, { revision: "canary", isPurge: false, timeoutMs });
  assert.equal((await namesOf("peerauthentications", "-n", "default")).length, 1);
  const kinds = "crds,namespaces,clusterroles,clusterrolebindings";
  const webhooks = "mutatingwebhookconfigurations,validatingwebhookconfigurations";
  const left = () => namesOf(`${kinds},${webhooks}`, "-l", "install.meltemi.dev/installation");
  assert.equal((await left()).length, 17);
  const verdict = await removeInstallation(access, { revision: "canary", isPurge: true, timeoutMs });
  assert.deepEqual(verdict.remaining, []);
  assert.deepEqual(await left(), []);
});

test("precheck() says that another mesh is there, and how to live beside it", { skip }, async () => {
  const webhook = {
    name: "namespace.sidecar-injector.istio.io",
    admissionReviewVersions: ["v1"],
    clientConfig: { service: { name: "istiod", namespace: "istio-system", path: "/inject" } },
    namespaceSelector: { matchLabels: { "istio-injection": "enabled" } },
    sideEffects: "None",
  };
  const configuration = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: { name: "istio-sidecar-injector" },
    webhooks: [webhook],
  };
  const [definition] = customResourceDefinitions();
  assert.ok(definition);
  const foreign = { ...definition, metadata: { name: definition.metadata.name } };
  for (const object of [configuration, foreign]) {
    await server.kubectl(["create", "-f", "-"], { input: JSON.stringify(object) });
  }
  const messages = (await precheck(access, settings)).map(({ message }) => message);
  assert.ok(messages.some((message) => message.startsWith("1 definitions of Istio's kinds are another")));
  assert.ok(messages.some((message) => message.includes('"istio-sidecar-injector" injects the pods')));
  const beside = await precheck(access, { ...settings, revision: "meltemi" });
  assert.ok(!beside.some(({ message }) => message.includes("istio-sidecar-injector")));
});

test("applyInstallation() leaves another mesh's definitions and configuration as they are", {
  skip,
}, async () => {
  const place = ["configmap", "istio-meltemi", "-n", "meltemi-system"];
  await server.kubectl(["create", "namespace", "meltemi-system"]).catch(() => undefined);
  await server.kubectl(["create", ...place, "--from-literal=mesh=accessLogFile: /dev/stderr"]);
  const verdict = await applyInstallation(access, { ...settings, revision: "meltemi" }, { timeoutMs });
  assert.equal(verdict.isHealthy, true);
  const mesh = await server.kubectl(["get", ...place, "-o", "jsonpath={.data.mesh}"]);
  assert.equal(mesh, "accessLogFile: /dev/stderr");
  assert.ok(progress.some((sentence) => sentence.includes("istio-meltemi was there before")));
  const own = await namesOf("crds", "-l", "install.meltemi.dev/installation");
  assert.equal(own.length, customResourceDefinitions().length - 1);
});

test("applyInstallation() says why a control plane doesn't start, and asks for no webhook then", {
  skip,
}, async () => {
  clearInterval(standIn);
  const broken = { ...settings, revision: "broken" };
  const verdict = await applyInstallation(access, broken, { timeoutMs: 8_000 });
  assert.equal(verdict.isHealthy, false);
  assert.match(verdict.findings.join(), /Deployment meltemi-broken: 0 of \d pods are available/);
  const injectors = await namesOf("mutatingwebhookconfigurations");
  assert.ok(!injectors.some((name) => name.includes("broken")));
});
