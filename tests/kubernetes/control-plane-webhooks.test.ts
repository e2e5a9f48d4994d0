// A control plane's process behind the webhooks of its installation, as a cluster's API server finds it: by Service, with
// the CA that it wrote there itself; and what it says in the status of objects.

import assert from "node:assert/strict";
import { test } from "node:test";
import { controlPlaneRights } from "../../src/install/control-plane-rights.ts";
import { customResourceDefinitions } from "../../src/install/custom-resource-definition.ts";
import { profileSettings } from "../../src/install/install-settings.ts";
import { installationOf } from "../../src/install/object-names.ts";
import { webhookConfigurations } from "../../src/install/webhook-configurations.ts";
import { startApiServer, whyNoApiServer } from "./cluster/api-server.ts";
import { definitionsEstablished } from "./cluster/definitions-established.ts";
import { startControlPlane } from "./control-plane-process.ts";
import { applyAll, installedUser } from "./installed-user.ts";

const skip = whyNoApiServer();
const DEADLINE_MS = 60_000;
const installation = installationOf(profileSettings("default", "test"));

test("a control plane's webhooks and status on a real API server", { skip }, async (t) => {
  const server = await startApiServer();
  t.after(() => server.close());
  await applyAll(server, [
    ...customResourceDefinitions(),
    namespace("meltemi-system"),
    namespace("shop", { "istio-injection": "enabled" }),
    namespace("infra"),
  ]);
  await definitionsEstablished(server.kubectl);
  await applyAll(server, controlPlaneRights(installation));
  const kubeconfigPath = await installedUser(t, server);
  const { webhookPort } = await startControlPlane(t, server, { podName: "meltemi-1", kubeconfigPath });
  await applyAll(server, [...reachable(webhookPort), account("shop"), account("infra")]);

  await t.test("its CA gets into the configurations, and pods are injected", async () => {
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "web", namespace: "shop" },
      spec: { containers: [{ name: "app", image: "shop/web" }] },
    };
    const names = await eventually(() =>
      server.kubectl(
        [
          ...["create", "--dry-run=server", "-f", "-"],
          ...[
            "-o",
            "jsonpath={.spec.containers[*].name} {.spec.containers[*].env[?(@.name=='CA_ADDR')].value}",
          ],
        ],
        { input: JSON.stringify(pod) },
      ),
    );
    assert.match(names, /^app istio-proxy meltemi\.meltemi-system\.svc:15012/);
  });

  await t.test("an accepted object's status says so", async () => {
    await applyAll(server, [
      virtualService({ hosts: ["reviews"], http: [route("reviews.shop.svc.cluster.local")] }),
    ]);
    const args = ["-n", "shop", "wait", "virtualservice/reviews", "--timeout=30s"];
    await server.kubectl([...args, "--for=condition=Accepted"]);
    await server.kubectl([...args, "--for=condition=Programmed"]);
  });

  await t.test("a wrong object is refused", async () => {
    const wrong = virtualService({
      hosts: ["reviews"],
      http: [{ match: [{ uri: { regex: "(" } }], ...route("a") }],
    });
    await assert.rejects(applyAll(server, [wrong]), /denied the request: .*uri\.regex/s);
  });

  await t.test("a policy's author is warned of what it does to the mesh, and it is stored", async () => {
    await applyAll(server, edgeAndApp);
    const policy = authorizationPolicy({
      rules: [{ from: [{ source: { namespaces: ["shop"], notNamespaces: ["shop"] } }] }],
    });
    const args = ["apply", "--dry-run=server", "--warnings-as-errors", "-f", "-"];
    const input = JSON.stringify(policy);
    const errorsOf = () => server.kubectl(args, { input }).catch((error: Error) => error.message);
    const told = await eventually(errorsOf, "MLT2041");
    assert.match(
      told,
      /Warning: warning MLT2041 AuthorizationPolicy shop\/app spec\.rules: No ALLOW policy lets in/,
    );
    assert.match(told, /Warning: warning MLT2046 .*never matches/);
    await applyAll(server, [policy]);
  });
});

/** A gateway that routes to an app; their pods run nowhere, which is all the same to policies. */
const edgeAndApp: readonly object[] = [
  pod("shop", "app", { app: "app" }, []),
  pod("infra", "edge", { istio: "edge" }, ["proxy", "router"]),
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "app", namespace: "shop" },
    spec: { selector: { app: "app" }, ports: [{ name: "http", port: 80 }] },
  },
  {
    apiVersion: "networking.istio.io/v1",
    kind: "Gateway",
    metadata: { name: "edge", namespace: "infra" },
    spec: {
      selector: { istio: "edge" },
      servers: [{ hosts: ["*"], port: { number: 80, name: "http", protocol: "HTTP" } }],
    },
  },
  {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name: "app", namespace: "shop" },
    spec: { hosts: ["*"], gateways: ["infra/edge"], http: [route("app.shop.svc.cluster.local")] },
  },
];

function pod(
  namespace: string,
  name: string,
  labels: Readonly<Record<string, string>>,
  args: readonly string[],
): object {
  const metadata = { namespace, name, labels };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata,
    spec: { containers: [{ name: "app", image: "app", args }] },
  };
}

function authorizationPolicy(spec: object): object {
  const metadata = { name: "app", namespace: "shop" };
  return { apiVersion: "security.istio.io/v1", kind: "AuthorizationPolicy", metadata, spec };
}

/** The installation's own configurations, and a Service that leads to this machine. */
function reachable(port: number): object[] {
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "meltemi", namespace: "meltemi-system" },
    spec: { type: "ExternalName", externalName: "localhost" },
  };
  const configurations = webhookConfigurations(installation);
  const ofPort = configurations.map((configuration) => ({
    ...configuration,
    webhooks: (configuration.webhooks as readonly Webhook[]).map((webhook) => ({
      ...webhook,
      clientConfig: { service: { ...webhook.clientConfig.service, port } },
    })),
  }));
  return [service, ...ofPort];
}

interface Webhook {
  readonly clientConfig: { readonly service: object };
}

function namespace(name: string, labels: Readonly<Record<string, string>> = {}): object {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}

function account(namespace: string): object {
  return { apiVersion: "v1", kind: "ServiceAccount", metadata: { namespace, name: "default" } };
}

function virtualService(spec: object): object {
  const metadata = { name: "reviews", namespace: "shop" };
  return { apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata, spec };
}

function route(host: string): object {
  return { route: [{ destination: { host } }] };
}

/** Until the CA is in the configurations, and these are in force, or the control plane has heard of what was stored. */
async function eventually(attempt: () => Promise<string>, wanted = "istio-proxy"): Promise<string> {
  for (const deadline = Date.now() + DEADLINE_MS; ; ) {
    try {
      const answer = await attempt();
      if (answer.includes(wanted) || Date.now() > deadline) return answer;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}
