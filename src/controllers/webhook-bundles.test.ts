import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { TestApiServer } from "../../tests/support/api-server.ts";
import { ManualClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import { createApiClient } from "../kubernetes/api-client.ts";
import { startWebhookBundles } from "./webhook-bundles.ts";

const GROUP = "/apis/admissionregistration.k8s.io/v1";
const ROOT = Buffer.from("ROOT").toString("base64");

const OWN = { "install.meltemi.dev/installation": "meltemi", "istio.io/rev": "default" };

for (const kind of ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"]) {
  test(`startWebhookBundles() writes the CA into a ${kind} where it is missing, and again where it goes`, async (t) => {
    const { put, seen, until } = await start(t, kind);
    put("own", "", OWN);
    await until(() => seen.length === 1);
    assert.deepEqual(seen, ["own a.io=ROOT b.io=ROOT"]);
    put("own", "other", OWN);
    await until(() => seen.length === 2);
    assert.deepEqual(seen[1], "own a.io=ROOT b.io=ROOT");
  });
}

test("startWebhookBundles() writes nothing that is there, and nothing of others", async (t) => {
  const { put, seen, until } = await start(t);
  put("own", ROOT, OWN);
  put("of-another-revision", "", { ...OWN, "istio.io/rev": "canary" });
  put("istio-sidecar-injector", "", { "istio.io/rev": "default" });
  put("tag", "", { ...OWN, "istio.io/tag": "prod" });
  await until(() => seen.length > 0);
  assert.deepEqual(seen, ["tag a.io=ROOT b.io=ROOT"]);
});

test("startWebhookBundles() asks the API server for nothing while nothing changes", async (t) => {
  const { put, seen, until, clock, server } = await start(t);
  put("own", "", OWN);
  await until(() => seen.length === 1);
  await pass(clock);
  const before = server.requests.length;
  await pass(clock);
  assert.equal(server.requests.length, before);
});

test("startWebhookBundles() tries again what was refused", async (t) => {
  const { put, seen, until, server } = await start(t);
  const accept = server.intercept;
  let refusedCount = 0;
  // A new tag's right may be known to the API server only after the tag.
  server.intercept = ({ method }) => {
    if (method !== "PATCH") return undefined;
    refusedCount++;
    return { status: 403 };
  };
  put("own", "", OWN);
  await until(() => refusedCount === 2);
  server.intercept = accept;
  await until(() => seen.length === 1);
});

async function start(t: TestContext, kind = "MutatingWebhookConfiguration") {
  const server = new TestApiServer();
  await server.start();
  server.define(`${GROUP}/mutatingwebhookconfigurations`, `${GROUP}/validatingwebhookconfigurations`);
  const collection = `${GROUP}/${kind.toLowerCase()}s`;
  const put = (name: string, caBundle: string, labels: Readonly<Record<string, string>>) =>
    server.put(collection, {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind,
      metadata: { name, labels },
      webhooks: [
        { name: "a.io", clientConfig: { caBundle } },
        { name: "b.io", clientConfig: { caBundle: ROOT } },
      ],
    });
  const seen: string[] = [];
  server.intercept = ({ method, path }, body) => {
    if (method !== "PATCH") return undefined;
    const { metadata, webhooks } = body as Written;
    const bundles = webhooks.map(({ clientConfig, name }) => {
      return `${name}=${Buffer.from(clientConfig.caBundle, "base64")}`;
    });
    seen.push([metadata.name, ...bundles].join(" "));
    const live = server.find(path.slice(0, path.lastIndexOf("/")), "", metadata.name);
    put(metadata.name, ROOT, live?.metadata.labels as typeof OWN);
    return { status: 200, body: {} };
  };
  const clock = new ManualClock(1_000_000);
  const client = createApiClient(server.endpoint(), { clock, userAgent: "test" });
  const labelSelector = "install.meltemi.dev/installation=meltemi,istio.io/rev=default";
  const random = () => 0.5;
  const shared = { client, clock, random, log: silentLogger };
  const end = startWebhookBundles({ ...shared, rootsPem: "ROOT", labelSelector });
  t.after(async () => {
    end();
    client.close();
    await server.stop();
  });
  return { server, seen, clock, put, until: (isTrue: () => boolean) => until(isTrue, clock) };
}

interface Written {
  readonly metadata: { readonly name: string };
  readonly webhooks: readonly {
    readonly name: string;
    readonly clientConfig: { readonly caBundle: string };
  }[];
}

/** Twenty seconds of the clock. */
async function pass(clock: ManualClock): Promise<void> {
  for (let count = 0; count < 20; count += 1) await until(() => true, clock);
}

async function until(isTrue: () => boolean, clock: ManualClock): Promise<void> {
  for (const end = Date.now() + 10_000; Date.now() < end; ) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    clock.advance(1_000);
    if (isTrue()) return;
  }
  throw new Error(`Never came true: ${isTrue}`);
}
