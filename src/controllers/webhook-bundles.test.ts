import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ManualClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import { createApiClient } from "../kubernetes/api-client.ts";
import { TestApiServer } from "../kubernetes/test-api-server.ts";
import { startWebhookBundles } from "./webhook-bundles.ts";

const GROUP = "/apis/admissionregistration.k8s.io/v1";
const ROOT = Buffer.from("ROOT").toString("base64");

test("startWebhookBundles() writes the CA where it is missing, and again where it is made anew", async (t) => {
  const { server, seen, clock } = await start(t);
  const collection = `${GROUP}/mutatingwebhookconfigurations`;
  const put = (caBundle: string) =>
    server.put(collection, {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "MutatingWebhookConfiguration",
      metadata: { name: "injector" },
      webhooks: [
        { name: "a.io", clientConfig: { caBundle } },
        { name: "b.io", clientConfig: { caBundle: ROOT } },
      ],
    });
  put("");
  await until(() => seen.length === 1, clock);
  assert.deepEqual(seen[0], [
    { name: "a.io", clientConfig: { caBundle: ROOT } },
    { name: "b.io", clientConfig: { caBundle: ROOT } },
  ]);
  put(ROOT);
  for (let count = 0; count < 25; count += 1) await until(() => true, clock);
  assert.equal(seen.length, 1, "nothing is written that is there");
  put("other");
  await until(() => seen.length === 2, clock);
});

async function start(t: TestContext) {
  const server = new TestApiServer();
  await server.start();
  server.define(`${GROUP}/mutatingwebhookconfigurations`, `${GROUP}/validatingwebhookconfigurations`);
  const seen: unknown[] = [];
  server.intercept = ({ method }, body) => {
    if (method !== "PATCH") return undefined;
    seen.push((body as { webhooks: unknown }).webhooks);
    return { status: 200, body: {} };
  };
  const clock = new ManualClock(1_000_000);
  const client = createApiClient(server.endpoint(), { clock, userAgent: "test" });
  const names = { injectorNames: () => ["injector"], validatorNames: () => ["validator"] };
  const end = startWebhookBundles({ client, clock, log: silentLogger, rootsPem: "ROOT", ...names });
  t.after(async () => {
    end();
    client.close();
    await server.stop();
  });
  return { server, seen, clock };
}

async function until(isTrue: () => boolean, clock: ManualClock): Promise<void> {
  for (const end = Date.now() + 10_000; Date.now() < end; ) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    clock.advance(1_000);
    if (isTrue()) return;
  }
  throw new Error(`Never came true: ${isTrue}`);
}
