// Conditions of Istio's objects on a real API server: written by apply on the status alone, once for each change.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type ObjectStatusWriter, startObjectStatus } from "../../src/controllers/object-status.ts";
import type { Condition, ObjectFacts } from "../../src/controllers/status-conditions.ts";
import { systemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { type ObjectKey, objectKey } from "../../src/core/object-key.ts";
import { problem } from "../../src/core/problem.ts";
import { customResourceDefinitions } from "../../src/install/custom-resource-definition.ts";
import { createApiClient } from "../../src/kubernetes/api-client.ts";
import { openKubeconfig } from "../../src/kubernetes/kubeconfig.ts";
import { type ApiServer, startApiServer, whyNoApiServer } from "./cluster/api-server.ts";
import { definitionsEstablished } from "./cluster/definitions-established.ts";

const skip = whyNoApiServer();
const key = objectKey({ kind: "VirtualService", namespace: "default", name: "reviews" });
const inStep: ObjectFacts = {
  generation: 1,
  isInForce: true,
  problems: [],
  proxyCount: 42,
  acknowledgedCount: 42,
  refusedCount: 0,
  reasons: "",
};

test("startObjectStatus() on a real API server", { skip }, async (t) => {
  const server = await startApiServer();
  t.after(() => server.close());
  await install(server);
  const facts = new Map<ObjectKey, ObjectFacts>();
  const start = (t: TestContext) => startWriter(t, server, facts);
  await t.test("says that an object is accepted and who has it", async (t) => {
    facts.set(key, { ...inStep, acknowledgedCount: 41 });
    const writer = await start(t);
    await until(server, ({ Programmed }) => Programmed?.message === "41 of 42 proxies");
    facts.set(key, inStep);
    writer.touch(key);
    await server.kubectl(["wait", "--for=condition=Programmed", "virtualservice/reviews", "--timeout=20s"]);
    const { Accepted, observedGeneration } = await statusOf(server);
    assert.deepEqual([Accepted?.status, observedGeneration], ["True", 1]);
  });
  await t.test("writes nothing that is there already, whoever leads", async (t) => {
    const before = await versionOf(server);
    const writer = await start(t);
    for (let count = 0; count < 3; count += 1) writer.touch(key);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    assert.equal(await versionOf(server), before);
  });
  await t.test("says nothing of a generation that it hasn't seen", async (t) => {
    const patch = JSON.stringify({ spec: { hosts: ["reviews", "reviews.shop"] } });
    await server.kubectl(["patch", "virtualservice", "reviews", "--type=merge", "-p", patch]);
    const before = await versionOf(server);
    const writer = await start(t);
    writer.touch(key);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    assert.equal(await versionOf(server), before);
    facts.set(key, { ...inStep, generation: 2 });
    writer.touch(key);
    await until(server, ({ observedGeneration }) => observedGeneration === 2);
  });
  await t.test("tells what is wrong, and leaves the conditions of others alone", async (t) => {
    const mine = { type: "Mine", status: "True", reason: "Test", message: "" };
    const { conditions } = await statusOf(server);
    const patch = JSON.stringify({ status: { validationMessages: [], conditions: [...conditions, mine] } });
    await server.kubectl([
      ...["patch", "virtualservice", "reviews", "--subresource=status", "--type=merge", "-p", patch],
    ]);
    const message = "a route leads nowhere";
    const { generation: _, ...rest } = inStep;
    facts.set(key, { ...rest, isInForce: false, problems: [problem("MLT1005", { object: key, message })] });
    await start(t);
    await until(server, ({ Accepted }) => Accepted?.status === "False");
    const { Accepted, conditions: after } = await statusOf(server);
    assert.ok(
      after.some(({ type }) => type === "Mine"),
      JSON.stringify(after),
    );
    assert.equal(Accepted?.message, "error MLT1005 VirtualService default/reviews: a route leads nowhere");
  });
  await t.test("tells the addresses that a ServiceEntry's hosts got by themselves", async (t) => {
    const entry = objectKey({ kind: "ServiceEntry", namespace: "default", name: "payments" });
    facts.set(entry, { ...inStep, addresses: [{ value: "240.240.1.2", host: "payments.example.com" }] });
    const writer = await start(t);
    writer.touch(entry);
    const told = "jsonpath={.status.addresses[0].value}=240.240.1.2";
    await server.kubectl(["wait", `--for=${told}`, "serviceentry/payments", "--timeout=20s"]);
    facts.set(entry, { ...inStep, addresses: [] });
    writer.touch(entry);
    await eventuallyNone(server, "serviceentry/payments", "{.status.addresses}");
  });
});

async function eventuallyNone({ kubectl }: ApiServer, object: string, path: string): Promise<void> {
  const deadlineMs = Date.now() + 20_000;
  for (;;) {
    const found = await kubectl(["get", object, "-o", `jsonpath=${path}`]);
    if (found === "") return;
    assert.ok(Date.now() < deadlineMs, `${object} still has ${found}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function install({ kubectl }: ApiServer): Promise<void> {
  const definitions = customResourceDefinitions().filter(({ metadata }) =>
    /^(virtualservices|serviceentries)\./.test(metadata.name),
  );
  const apply = (items: readonly object[]) =>
    kubectl(["apply", "--server-side", "-f", "-"], {
      input: JSON.stringify({ apiVersion: "v1", kind: "List", items }),
    });
  await apply(definitions);
  await definitionsEstablished(kubectl);
  const spec = { hosts: ["reviews"], http: [{ route: [{ destination: { host: "reviews" } }] }] };
  const metadata = { name: "reviews", namespace: "default" };
  const apiVersion = "networking.istio.io/v1";
  await apply([
    { apiVersion, kind: "VirtualService", metadata, spec },
    {
      apiVersion,
      kind: "ServiceEntry",
      metadata: { ...metadata, name: "payments" },
      spec: { hosts: ["payments.example.com"], ports: [{ number: 80, name: "http" }], resolution: "DNS" },
    },
  ]);
}

async function startWriter(
  t: TestContext,
  server: ApiServer,
  facts: ReadonlyMap<ObjectKey, ObjectFacts>,
): Promise<ObjectStatusWriter> {
  const opened = await openKubeconfig({ path: server.kubeconfigPath, clock: systemClock, environment: {} });
  assert.ok(opened.kind === "opened");
  const client = createApiClient(opened.endpoint, { clock: systemClock, userAgent: "status-test" });
  const writer = startObjectStatus({
    client,
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
    keys: () => facts.keys(),
    news: async () => JSON.stringify([...facts]),
    factsOf: async (wanted) => facts.get(wanted),
  });
  t.after(() => {
    writer.close();
    client.close();
  });
  return writer;
}

interface Status {
  readonly observedGeneration?: number;
  readonly conditions: readonly Condition[];
  readonly Accepted?: Condition;
  readonly Programmed?: Condition;
}

async function statusOf({ kubectl }: ApiServer): Promise<Status> {
  const text = await kubectl(["get", "virtualservice", "reviews", "-o", "json"]);
  const { status = {} } = JSON.parse(text) as { status?: Partial<Status> };
  const conditions = status.conditions ?? [];
  return { ...status, conditions, ...Object.fromEntries(conditions.map((each) => [each.type, each])) };
}

async function versionOf({ kubectl }: ApiServer): Promise<string> {
  return kubectl(["get", "virtualservice", "reviews", "-o", "jsonpath={.metadata.resourceVersion}"]);
}

async function until(server: ApiServer, holds: (status: Status) => boolean): Promise<void> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; ) {
    if (holds(await statusOf(server))) return;
  }
  assert.fail(JSON.stringify(await statusOf(server)));
}
