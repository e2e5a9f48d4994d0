// Our webhooks asked by a real API server, through the configurations of an installation: who gets a sidecar, who
// doesn't, and what an object's author is told. They are reached by URL, since no pod runs here.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { startCertificateRotation, type WorkloadCertificate } from "../../src/agent/certificate-rotation.ts";
import { systemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { openPersistentAuthority } from "../../src/identity/authority-store.ts";
import { controlPlaneNames, createControlPlaneSigner } from "../../src/identity/control-plane-certificate.ts";
import { defaultInjectionSettings } from "../../src/inject/injection-settings.ts";
import { customResourceDefinitions } from "../../src/install/custom-resource-definition.ts";
import { profileSettings } from "../../src/install/install-settings.ts";
import { installationOf } from "../../src/install/object-names.ts";
import { webhookConfigurations } from "../../src/install/webhook-configurations.ts";
import { createWebhookServer, type WebhookServer } from "../../src/webhook/webhook-server.ts";
import { type ApiServer, startApiServer, whyNoApiServer } from "./cluster/api-server.ts";
import { definitionsEstablished } from "./cluster/definitions-established.ts";

const skip = whyNoApiServer();

test("webhooks of a real API server", { skip }, async (t) => {
  const server = await startApiServer();
  t.after(() => server.close());
  const webhooks = await startWebhooks(t);
  await install(server, webhooks);
  for (const injection of injections) await t.test(injection.name, () => checkInjection(server, injection));
  await t.test("a pod whose annotations can't be read is refused with the reason", () => refusesPod(server));
  await t.test("the API server's own pod is the one that the patch means", () => keepsTheRest(server));
  await t.test("a wrong VirtualService is refused in the command line's words", () => refusesWrong(server));
  await t.test("a warning reaches the author", () => warns(server));
  await t.test("a certificate that is renewed is taken", () => outlivesRotation(server, webhooks));
  await t.test("without the webhook, pods of the mesh wait and all others start", () =>
    failsSafely(server, webhooks),
  );
});

interface Webhooks {
  readonly server: WebhookServer;
  readonly port: number;
  readonly rootsPem: string;
  rotate(): Promise<void>;
}

async function startWebhooks(t: TestContext): Promise<Webhooks> {
  const directory = await mkdtemp(join(tmpdir(), `meltemi-webhooks-${process.pid}-`));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const trustDomain = "cluster.local";
  const opened = await openPersistentAuthority(join(directory, "ca"), { clock: systemClock, trustDomain });
  assert.ok(opened.kind === "authority");
  const names = controlPlaneNames({ trustDomain, extraDnsNames: ["localhost"] });
  const issue = () =>
    new Promise<WorkloadCertificate>((resolve) => {
      const rotation = startCertificateRotation(createControlPlaneSigner(opened.authority, names), {
        names,
        clock: systemClock,
        random: Math.random,
        log: silentLogger,
      });
      rotation.watch((certificate) => {
        resolve(certificate);
        queueMicrotask(() => rotation.close());
      });
    });
  const server = createWebhookServer({
    log: silentLogger,
    certificate: await issue(),
    injectionSettings: () => ({ ...defaultInjectionSettings, capture: "init" }),
  });
  const port = await server.listen(0, "127.0.0.1");
  t.after(() => server.close());
  const rotate = async () => server.updateCertificate(await issue());
  return { server, port, rootsPem: opened.authority.rootsPem, rotate };
}

/** The installation's own, but for the address. */
async function install({ kubectl }: ApiServer, { port, rootsPem }: Webhooks): Promise<void> {
  const apply = async (items: readonly object[]) =>
    await kubectl(["apply", "--server-side", "-f", "-"], { input: listOf(items) });
  const namespaces = Object.entries(namespaceLabels).map(([name, labels]) => ({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name, labels },
  }));
  await apply([...customResourceDefinitions(), ...namespaces]);
  await definitionsEstablished(kubectl);
  const accounts = Object.keys(namespaceLabels).map((namespace) => ({
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { namespace, name: "default" },
  }));
  const configurations = webhookConfigurations(installationOf(profileSettings("default", "test")));
  const reachable = configurations.map((configuration) => {
    const webhooks = (configuration.webhooks as readonly Webhook[]).map((webhook) => ({
      ...webhook,
      clientConfig: {
        url: `https://localhost:${port}${webhook.clientConfig.service.path}`,
        caBundle: Buffer.from(rootsPem).toString("base64"),
      },
    }));
    return { ...configuration, webhooks };
  });
  await apply([...accounts, ...reachable]);
  await untilAsked(kubectl);
}

interface Webhook {
  readonly clientConfig: { readonly service: { readonly path: string } };
}

/** A configuration is in force a moment after it is stored. */
async function untilAsked(kubectl: ApiServer["kubectl"]): Promise<void> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; ) {
    const made = await makePod(kubectl, "enabled", {});
    const told = await kubectl(["apply", "--dry-run=server", "-f", "-"], {
      input: JSON.stringify(
        virtualService({ hosts: ["*"], http: [{ route: [{ destination: { host: "*" } }] }] }),
      ),
    }).catch(() => undefined);
    if (made.containers.length > 1 && told === undefined) return;
  }
  assert.fail("the webhooks were never asked");
}

function listOf(items: readonly object[]): string {
  return JSON.stringify({ apiVersion: "v1", kind: "List", items });
}

const namespaceLabels: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  enabled: { "istio-injection": "enabled" },
  disabled: { "istio-injection": "disabled" },
  revised: { "istio.io/rev": "default" },
  canary: { "istio.io/rev": "canary" },
  plain: {},
  "kube-system": { "istio-injection": "enabled" },
};

interface InjectionCase {
  readonly name: string;
  readonly namespace: string;
  readonly pod?: PodParts;
  readonly isInjected: boolean;
}

interface PodParts {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly spec?: object;
}

const INJECT = "sidecar.istio.io/inject";

const injections: readonly InjectionCase[] = [
  {
    name: "a pod in a namespace with istio-injection=enabled is injected",
    namespace: "enabled",
    isInjected: true,
  },
  { name: "a pod in a namespace of our revision is injected", namespace: "revised", isInjected: true },
  {
    name: "a pod that asks by its label is injected",
    namespace: "plain",
    pod: { labels: { [INJECT]: "true" } },
    isInjected: true,
  },
  {
    name: "a pod that names our revision is injected",
    namespace: "plain",
    pod: { labels: { "istio.io/rev": "default" } },
    isInjected: true,
  },
  { name: "a pod in a namespace that says nothing is left alone", namespace: "plain", isInjected: false },
  { name: "a pod in a namespace of another revision is left alone", namespace: "canary", isInjected: false },
  {
    name: "a pod of a namespace with istio-injection=disabled is left alone, whatever it asks",
    namespace: "disabled",
    pod: { labels: { [INJECT]: "true" } },
    isInjected: false,
  },
  {
    name: "a pod that refuses by its label is left alone",
    namespace: "enabled",
    pod: { labels: { [INJECT]: "false" } },
    isInjected: false,
  },
  {
    name: "a pod that refuses by its annotation is left alone",
    namespace: "enabled",
    pod: { annotations: { [INJECT]: "false" } },
    isInjected: false,
  },
  {
    name: "a pod in the node's network is left alone",
    namespace: "enabled",
    pod: { spec: { hostNetwork: true } },
    isInjected: false,
  },
  { name: "the system's own pods are left alone", namespace: "kube-system", isInjected: false },
];

async function checkInjection({ kubectl }: ApiServer, injection: InjectionCase): Promise<void> {
  const { namespace, pod = {}, isInjected } = injection;
  const { containers, initContainers } = await makePod(kubectl, namespace, pod);
  assert.deepEqual(containers, isInjected ? ["app", "istio-proxy"] : ["app"]);
  assert.deepEqual(initContainers, isInjected ? ["istio-init"] : []);
}

interface MadePod {
  readonly containers: readonly string[];
  readonly initContainers: readonly string[];
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>>; readonly namespace: string };
  readonly status: { readonly phase?: string };
}

interface PodAnswer extends MadePod {
  readonly spec: Readonly<
    Record<"containers" | "initContainers", readonly { readonly name: string }[] | undefined>
  >;
}

/** Asked for, not stored. */
async function makePod(
  kubectl: ApiServer["kubectl"],
  namespace: string,
  { labels = {}, annotations = {}, spec = {} }: PodParts,
): Promise<MadePod> {
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", namespace, labels: { app: "web", ...labels }, annotations },
    spec: { containers: [{ name: "app", image: "shop/web" }], ...spec },
  };
  const args = ["create", "--dry-run=server", "-o", "json", "-f", "-"];
  const answer = JSON.parse(await kubectl(args, { input: JSON.stringify(pod) })) as PodAnswer;
  const names = (containers: readonly { readonly name: string }[] = []) => containers.map(({ name }) => name);
  return {
    ...answer,
    containers: names(answer.spec.containers),
    initContainers: names(answer.spec.initContainers),
  };
}

async function refusesPod({ kubectl }: ApiServer): Promise<void> {
  const annotations = { "traffic.sidecar.istio.io/includeOutboundIPRanges": "ten" };
  await assert.rejects(makePod(kubectl, "enabled", { annotations }), /Cannot inject the sidecar: .*"ten"/s);
}

async function keepsTheRest({ kubectl }: ApiServer): Promise<void> {
  const pod = await makePod(kubectl, "enabled", { annotations: { "shop/note": "kept" } });
  assert.equal(pod.metadata.namespace, "enabled");
  assert.equal(pod.metadata.annotations?.["shop/note"], "kept");
  assert.ok(pod.metadata.annotations?.["sidecar.istio.io/status"] !== undefined);
  assert.equal(pod.status.phase, "Pending");
}

function virtualService(spec: object): object {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name: "reviews", namespace: "plain" },
    spec,
  };
}

async function refusesWrong({ kubectl }: ApiServer): Promise<void> {
  const wrong = virtualService({
    hosts: ["reviews"],
    http: [{ match: [{ uri: { regex: "(" } }], route: [{ destination: { host: "reviews" } }] }],
  });
  await assert.rejects(
    kubectl(["create", "-f", "-"], { input: JSON.stringify(wrong) }),
    /admission webhook "default\.validation\.istio\.io" denied the request: error MLT1005 VirtualService plain\/reviews spec\.http\[0\]\.match\[0\]\.uri\.regex: /,
  );
  const right = virtualService({
    hosts: ["reviews"],
    http: [{ route: [{ destination: { host: "reviews" } }] }],
  });
  await kubectl(["create", "-f", "-"], { input: JSON.stringify(right) });
}

async function warns({ kubectl }: ApiServer): Promise<void> {
  const destinationRule = {
    apiVersion: "networking.istio.io/v1",
    kind: "DestinationRule",
    metadata: { name: "reviews", namespace: "plain" },
    spec: {
      host: "reviews",
      trafficPolicy: { loadBalancer: { consistentHash: { useSourceIp: true, minimumRingSize: 10 } } },
    },
  };
  await assert.rejects(
    kubectl(["create", "--dry-run=server", "--warnings-as-errors", "-f", "-"], {
      input: JSON.stringify(destinationRule),
    }),
    /Warning: warning MLT1005 DestinationRule plain\/reviews .*minimumRingSize is deprecated/,
  );
}

async function outlivesRotation({ kubectl }: ApiServer, webhooks: Webhooks): Promise<void> {
  await webhooks.rotate();
  assert.deepEqual((await makePod(kubectl, "enabled", {})).containers, ["app", "istio-proxy"]);
}

async function failsSafely({ kubectl }: ApiServer, { server }: Webhooks): Promise<void> {
  await server.close();
  await assert.rejects(makePod(kubectl, "enabled", {}), /failed calling webhook/);
  assert.deepEqual((await makePod(kubectl, "plain", {})).containers, ["app"]);
  assert.deepEqual((await makePod(kubectl, "kube-system", {})).containers, ["app"]);
  await kubectl(["-n", "plain", "label", "virtualservice", "reviews", "a=b"]);
}
