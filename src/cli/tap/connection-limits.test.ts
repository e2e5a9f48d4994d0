import assert from "node:assert/strict";
import { test } from "node:test";
import type { TapEvent } from "../../core/tap-event.ts";
import type { KubernetesObject } from "../../kinds/define-kind.ts";
import { createLimits } from "./connection-limits.ts";

const event: TapEvent = {
  ...{ kind: "http", direction: "out", at: "2026-12-01T00:00:00.000Z", durationMs: 0, isMutualTls: false },
  ...{ caller: {}, called: {}, receivedBytes: 0, sentBytes: 0, flags: ["UO"] },
  cluster: { name: "outbound|80||web.shop.svc.cluster.local", from: ["DestinationRule/shop/web spec"] },
};

const rule = (connectionPool: object): KubernetesObject =>
  ({
    apiVersion: "networking.istio.io/v1",
    kind: "DestinationRule",
    metadata: { namespace: "shop", name: "web" },
    spec: { host: "web", trafficPolicy: { connectionPool } },
  }) as unknown as KubernetesObject;

test("a request that met a limit is told the limits that its DestinationRule sets, which is read once", async () => {
  const asked: string[] = [];
  const limits = createLimits(async (namespace) => {
    asked.push(namespace);
    return [rule({ tcp: { maxConnections: 1 } })];
  });
  const known = { limit: "the limit of 1 connection in DestinationRule shop/web" };
  assert.deepEqual(await Promise.all([limits(event), limits(event)]), [known, known]);
  assert.deepEqual(asked, ["shop"]);
  assert.deepEqual(await limits({ ...event, flags: ["UH"] }), {});
});

test("who may not read DestinationRules, or finds the rule gone, is told none", async () => {
  for (const rules of [() => Promise.reject(new Error("forbidden")), async () => []])
    assert.deepEqual(await createLimits(rules)(event), {});
});
