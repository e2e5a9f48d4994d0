// The control plane's rights, held against the API server's audit log: nothing that it asks is refused, and there is no
// right that it never uses.

import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { createCertificateClient } from "../../src/agent/certificate-client.ts";
import { systemClock } from "../../src/core/clock.ts";
import { redacted } from "../../src/core/redacted.ts";
import { GrpcClient } from "../../src/grpc/client.ts";
import { controlPlaneRights, type PolicyRule } from "../../src/install/control-plane-rights.ts";
import { customResourceDefinitions } from "../../src/install/custom-resource-definition.ts";
import { gatewayObjects } from "../../src/install/gateway-objects.ts";
import { profileSettings } from "../../src/install/install-settings.ts";
import { installationOf, installedLabels } from "../../src/install/object-names.ts";
import { webhookConfigurations } from "../../src/install/webhook-configurations.ts";
import { kinds } from "../../src/kinds/all-kinds.ts";
import { eventually } from "../e2e/mesh/eventually.ts";
import { type ApiServer, startApiServer, whyNoApiServer } from "./cluster/api-server.ts";
import type { AuditEvent } from "./cluster/audit-log.ts";
import { definitionsEstablished } from "./cluster/definitions-established.ts";
import { type ControlPlaneProcess, startControlPlane } from "./control-plane-process.ts";
import { applyAll, installedUser } from "./installed-user.ts";
import { edgeObjects, secretGivenTo, startPods } from "./secret-client.ts";

const skip = whyNoApiServer();
const LIMIT_MS = 90_000;
const USER = "system:serviceaccount:meltemi-system:meltemi";
const installation = installationOf(profileSettings("default", "test"));
const control = { revision: "default", namespace: installation.namespace, labels: installedLabels };
// In the namespace of a gateway it may delete pods.
const gatewayRights = gatewayObjects(installation.gateway, control).filter(
  ({ kind, metadata }) => /^Role/.test(kind) && metadata.name.endsWith("-replacement"),
);
const rights = [...controlPlaneRights(installation), ...gatewayRights];

test("the control plane uses each of its rights, and asks for no other", { skip }, async (t) => {
  const server = await startApiServer({ audit: true });
  t.after(() => server.close());
  await applyAll(server, [
    ...["meltemi-system", "shop", "meltemi-ingress"].map((name) => ({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name },
    })),
    ...customResourceDefinitions(),
  ]);
  await definitionsEstablished(server.kubectl);
  // The webhooks come last: nobody answers them here.
  await applyAll(server, [...rights, ...objectsOfEveryKind(), ...gatewayPod()]);
  await applyAll(server, webhookConfigurations(installation));
  const kubeconfigPath = await installedUser(t, server);
  const plane = await startControlPlane(t, server, { podName: "meltemi-1", kubeconfigPath });
  await askForCertificate(server, plane);
  await spoilRoot(server);
  await askForSecret(t, server, plane);

  const granted = rights.flatMap((object) =>
    object.kind.endsWith("Role") ? expand(object.rules as readonly PolicyRule[]) : [],
  );
  const unused = async () => {
    const used = new Set((await asked(server)).flatMap(rightsOf));
    return granted.filter((right) => !used.has(right));
  };
  await eventually(async () => assert.deepEqual(await unused(), []), { deadlineMs: LIMIT_MS });
  const refused = (await asked(server)).filter(
    ({ annotations }) => annotations?.["authorization.k8s.io/decision"] === "forbid",
  );
  assert.deepEqual(refused.flatMap(rightsOf), []);
  const gateways = await server.kubectl(["-n", "meltemi-ingress", "get", "pods", "-o", "name"]);
  assert.equal(gateways, "", "a pod that was made before injection answered is replaced");
});

/** Made before the webhooks, by a controller that this server doesn't run. */
function gatewayPod(): object[] {
  const account = { name: "gateway", namespace: "meltemi-ingress" };
  const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "gateway-1", uid: "1", controller: true };
  const metadata = {
    name: "gateway-1-a",
    namespace: "meltemi-ingress",
    labels: { "sidecar.istio.io/inject": "true", "istio.io/rev": "default" },
    ownerReferences: [owner],
  };
  const spec = {
    serviceAccountName: account.name,
    automountServiceAccountToken: false,
    containers: [{ name: "istio-proxy", image: "auto" }],
  };
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: account },
    { apiVersion: "v1", kind: "Pod", metadata, spec },
  ];
}

async function asked(server: ApiServer): Promise<readonly AuditEvent[]> {
  return (await server.audit()).filter(({ user }) => user.username === USER);
}

/** `VERB RESOURCE.GROUP/SUBRESOURCE NAME`; the name only where the rule has some. */
function expand(rules: readonly PolicyRule[]): string[] {
  return rules.flatMap(({ apiGroups, resources, verbs, resourceNames = [""] }) =>
    verbs.flatMap((verb) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => resourceNames.map((name) => format(verb, group, resource, name))),
      ),
    ),
  );
}

function format(verb: string, group: string, resource: string, name: string): string {
  return [verb, group === "" ? resource : `${group}/${resource}`, name].join(" ").trim();
}

/** Those by which it was allowed may name the object, or not. An apply that made its object took two. */
function rightsOf({ verb, objectRef = {}, responseStatus }: AuditEvent): string[] {
  const { apiGroup = "", resource = "", subresource, name = "" } = objectRef;
  const whole = subresource === undefined ? resource : `${resource}/${subresource}`;
  const verbs = verb === "patch" && responseStatus?.code === 201 ? [verb, "create"] : [verb];
  return verbs.flatMap((each) => ["", name].map((given) => format(each, apiGroup, whole, given)));
}

/** The API server is asked whether the gateway may read it. */
async function askForSecret(t: TestContext, server: ApiServer, plane: ControlPlaneProcess): Promise<void> {
  await applyAll(server, edgeObjects(["edge"]));
  await startPods(server, ["edge"]);
  await eventually(() => secretGivenTo(t, { server, plane, account: "edge" }), { deadlineMs: LIMIT_MS });
}

/** Whatever the answer is: the API server is asked whose token it is. */
async function askForCertificate(server: ApiServer, { xdsPort }: ControlPlaneProcess): Promise<void> {
  const tls = { serverRoots: await rootOf(server), serverName: "meltemi.meltemi-system.svc" };
  const client = new GrpcClient(
    { kind: "tcp", host: "127.0.0.1", port: xdsPort, tls },
    { clock: systemClock },
  );
  const ask = createCertificateClient(client, { readToken: async () => redacted("not.a.token") });
  await assert.rejects(ask("not a request", 60_000));
  client.close();
}

async function rootOf(server: ApiServer): Promise<string> {
  const place = ["-n", "shop", "configmap/istio-ca-root-cert"];
  await server.kubectl(["wait", "--for=create", ...place, "--timeout=60s"]);
  return await server.kubectl(["get", ...place, "-o", "jsonpath={.data.root-cert\\.pem}"]);
}

/** The control plane writes it again. */
async function spoilRoot(server: ApiServer): Promise<void> {
  const patch = JSON.stringify({ data: { "root-cert.pem": "spoiled" } });
  await server.kubectl(["-n", "shop", "patch", "configmap", "istio-ca-root-cert", "-p", patch]);
  await eventually(async () => assert.match(await rootOf(server), /BEGIN CERTIFICATE/), {
    deadlineMs: LIMIT_MS,
  });
}

const selector = { matchLabels: { app: "web" } };

const specs: Readonly<Record<string, object>> = {
  VirtualService: { hosts: ["web"], http: [{ route: [{ destination: { host: "web" } }] }] },
  DestinationRule: { host: "web" },
  Gateway: {
    selector: { app: "gateway" },
    // Secrets are followed where a Gateway names one.
    servers: [
      {
        port: { number: 443, name: "https", protocol: "HTTPS" },
        hosts: ["web.example.com"],
        tls: { mode: "SIMPLE", credentialName: "web" },
      },
    ],
  },
  ServiceEntry: {
    hosts: ["api.example.com"],
    ports: [{ number: 80, name: "http", protocol: "HTTP" }],
    resolution: "DNS",
  },
  Sidecar: { egress: [{ hosts: ["./*"] }] },
  WorkloadEntry: { address: "10.0.0.1", labels: { app: "web" } },
  WorkloadGroup: { template: { serviceAccount: "web" } },
  EnvoyFilter: {
    configPatches: [{ applyTo: "CLUSTER", patch: { operation: "MERGE", value: { name: "web" } } }],
  },
  ProxyConfig: { concurrency: 1 },
  PeerAuthentication: { mtls: { mode: "STRICT" } },
  // Its keys are asked for, and what came of it is stored.
  RequestAuthentication: { selector, jwtRules: [{ issuer: "http://127.0.0.1" }] },
  AuthorizationPolicy: { selector, rules: [] },
  Telemetry: { selector, tracing: [] },
  WasmPlugin: { selector, url: "https://example.com/plugin.wasm" },
  TrafficExtension: { selector, wasm: { url: "https://example.com/plugin.wasm" } },
};

function objectsOfEveryKind(): object[] {
  return kinds
    .filter(({ group }) => group.endsWith(".istio.io"))
    .map((kind) => ({
      apiVersion: `${kind.group}/${kind.versions.storage}`,
      kind: kind.kind,
      metadata: { name: "web", namespace: "shop" },
      spec: specs[kind.kind],
    }));
}
