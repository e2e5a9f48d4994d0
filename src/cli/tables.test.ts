import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProxyStatus } from "../admin/contract/control-plane.ts";
import type { PodReport } from "../admin/contract/supervisor.ts";
import { kinds } from "../kinds/all-kinds.ts";
import { findKind } from "./get.ts";
import { objectTable } from "./object-table.ts";
import { podTable } from "./pod-table.ts";
import { chooseProxies, proxyStatusTable } from "./proxy-status.ts";
import { formatAge, formatBytes, renderTable } from "./table.ts";

function lines(table: string): string[] {
  return table.trimEnd().split("\n");
}

test("renderTable() pads columns and leaves no space at the end", () => {
  assert.equal(renderTable(["A", "LONG"], [["value", undefined]]), "A       LONG\nvalue   -\n");
});

test("formatAge() keeps the largest unit", () => {
  assert.deepEqual([1_500, 300_000, 10_800_000, 259_200_000].map(formatAge), ["1s", "5m", "3h", "3d"]);
});

test("formatBytes() counts in MiB", () => {
  assert.deepEqual([1_572_864, 157_286_400, undefined].map(formatBytes), ["1.5 MiB", "150 MiB", undefined]);
});

const pod: PodReport = {
  namespace: "shop",
  name: "reviews-v1-5f7d-a",
  workload: { kind: "Deployment", name: "reviews-v1" },
  phase: "Running",
  ip: "10.244.0.7",
  startedAtMs: 0,
  containers: [
    { name: "istio-init", role: "init", isReady: true, restartCount: 0, state: "Completed" },
    { name: "reviews", role: "app", isReady: false, restartCount: 3, state: "CrashLoopBackOff" },
    {
      name: "istio-proxy",
      role: "proxy",
      isReady: true,
      restartCount: 0,
      state: "Running",
      memoryBytes: 52_428_800,
    },
  ],
};

test("podTable() says what is wrong rather than the phase", () => {
  assert.deepEqual(lines(podTable([pod], { isWide: false, nowMs: 60_000 })), [
    "NAMESPACE   NAME                READY   STATUS             RESTARTS   AGE",
    "shop        reviews-v1-5f7d-a   1/2     CrashLoopBackOff   3          60s",
  ]);
});

test("podTable() wide shows the memory of each Envoy", () => {
  assert.match(podTable([pod], { isWide: true, nowMs: 0 }), /10\.244\.0\.7 +- +50\.0 MiB\n$/);
});

test("findKind() knows kinds, plurals and short names in any case", () => {
  for (const word of ["VirtualService", "virtualservices", "vs"]) {
    assert.equal(findKind(word, kinds).kind, "VirtualService");
  }
});

test("findKind() suggests the nearest kind", () => {
  assert.throws(() => findKind("virtualservce", kinds), { hint: /did you mean "virtualservice/ });
});

test("objectTable() shows the kind's own columns", () => {
  const deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: "shop" },
    spec: { replicas: 2 },
  };
  const table = lines(objectTable(findKind("deploy", kinds), [deployment], 0));
  assert.deepEqual(table, ["NAMESPACE   NAME   READY   AGE", "shop        web    0/2     -"]);
});

test("objectTable() shows READY, COMPLETIONS and AGE as kubectl does", () => {
  const metadata = { name: "web", namespace: "shop", creationTimestamp: "2026-01-01T00:00:00Z" };
  const nowMs = Date.parse("2026-01-01T00:05:00Z");
  const rowOf = (word: string, object: object) => {
    const kind = findKind(word, kinds);
    return lines(
      objectTable(kind, [{ ...object, apiVersion: kind.apiVersion, kind: kind.kind, metadata }], nowMs),
    )[1];
  };
  const deployment = { spec: { replicas: 3 }, status: { readyReplicas: 2 } };
  assert.match(rowOf("deploy", deployment) ?? "", /^shop +web +2\/3 +5m$/);
  assert.match(rowOf("sts", { spec: {} }) ?? "", /0\/1 +5m$/);
  assert.match(rowOf("job", { spec: { completions: 2 }, status: { succeeded: 2 } }) ?? "", /2\/2 +5m$/);
  assert.match(rowOf("svc", { spec: { ports: [{ port: 80 }] } }) ?? "", /ClusterIP +- +80\/TCP +5m$/);
});

test("objectTable() writes ports as kubectl does", () => {
  const spec = {
    type: "LoadBalancer",
    ports: [
      { name: "http", port: 80 },
      { port: 53, protocol: "UDP" },
    ],
  };
  const service = { apiVersion: "v1", kind: "Service", metadata: { name: "web", namespace: "shop" }, spec };
  assert.match(objectTable(findKind("svc", kinds), [service], 0), /LoadBalancer +- +80\/TCP,53\/UDP +-\n$/);
});

const proxy: ProxyStatus = {
  name: "reviews-v1-5f7d-a",
  namespace: "shop",
  nodeId: "sidecar~10.244.0.7~reviews-v1-5f7d-a.shop~shop.svc.cluster.local",
  type: "sidecar",
  version: "1.40.0",
  isPod: true,
  view: "3f2a",
  acked: { cds: "SYNCED", lds: "STALE" },
  nacks: [{ type: "lds", message: "bad listener" }],
};

test("proxyStatusTable() marks clients that are no pod of the mesh", () => {
  const client: ProxyStatus = { ...proxy, name: "stray", isPod: false };
  const rows = lines(proxyStatusTable([client, proxy])).slice(1);
  assert.match(rows[0] ?? "", /^reviews-v1-5f7d-a\.shop +sidecar +SYNCED/);
  assert.match(rows[1] ?? "", /^stray\.shop +sidecar \(no pod\) +SYNCED/);
});

test("proxyStatusTable() marks what was refused", () => {
  const [, row] = lines(proxyStatusTable([proxy]));
  assert.match(row ?? "", /^reviews-v1-5f7d-a\.shop +sidecar +SYNCED +STALE \(refused\) +NOT SENT/);
});

test("chooseProxies() finds a proxy by its workload's name", () => {
  assert.deepEqual(chooseProxies([proxy], "reviews-v1", undefined), [proxy]);
  assert.deepEqual(chooseProxies([proxy], "deploy/reviews-v1", undefined), [proxy]);
});

test("chooseProxies() takes WORKLOAD.NAMESPACE", () => {
  assert.deepEqual(chooseProxies([proxy], "reviews-v1.shop", undefined), [proxy]);
  assert.throws(() => chooseProxies([proxy], "reviews-v1.other", undefined), { exitCode: 1 });
});

test("chooseProxies() suggests the nearest name", () => {
  assert.throws(() => chooseProxies([proxy], "reviews-v1-5f7d-b", undefined), { hint: /reviews-v1-5f7d-a/ });
});

test("objectTable() shows how far objects have come, where their status says it", () => {
  const condition = (type: string, status: string, reason: string, message = "") => ({
    ...{ type, status, reason, message },
  });
  const object = (name: string, conditions?: readonly object[]) => ({
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name, namespace: "shop" },
    spec: { hosts: [name] },
    ...(conditions && { status: { conditions } }),
  });
  const table = objectTable(
    findKind("vs", kinds),
    [
      object("done", [
        condition("Accepted", "True", "Accepted"),
        condition("Programmed", "True", "Programmed", "all proxies have it"),
      ]),
      object("wrong", [
        condition("Accepted", "False", "Invalid", "no such host"),
        condition("Programmed", "False", "NotAccepted", "what is wrong must be mended"),
      ]),
      object("new"),
    ],
    0,
  );
  assert.deepEqual(
    lines(table).map((line) => line.split(/ {3,}/)),
    [
      ["NAMESPACE", "NAME", "GATEWAYS", "HOSTS", "ACCEPTED", "PROGRAMMED", "AGE"],
      ["shop", "done", "-", "done", "True", "all proxies have it", "-"],
      ["shop", "wrong", "-", "wrong", "False (Invalid)", "False (NotAccepted)", "-"],
      ["shop", "new", "-", "new", "-", "-", "-"],
    ],
  );
});
