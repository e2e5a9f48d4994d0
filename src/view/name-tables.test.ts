import assert from "node:assert/strict";
import { test } from "node:test";
import { sidecar, viewFixture } from "../../tests/support/view-fixture.ts";

const mesh = `
apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: shop }
spec: { clusterIPs: [10.96.0.1, "fd00::1"], ports: [{ name: http, port: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: redis, namespace: shop }
spec: { clusterIP: None, ports: [{ name: tcp, port: 6379 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: redis-1, namespace: shop, labels: { kubernetes.io/service-name: redis } }
addressType: IPv4
ports: [{ name: tcp, port: 6379 }]
endpoints:
- { addresses: [10.244.0.5], hostname: redis-0, conditions: { ready: true } }
- { addresses: [10.244.0.6], hostname: redis-1, conditions: { ready: false } }
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: databases, namespace: shop }
spec:
  hosts: [one.db.example]
  ports: [{ number: 5432, name: tcp, protocol: TCP }]
  resolution: DNS
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: private, namespace: elsewhere }
spec:
  hosts: [private.example]
  addresses: [10.97.0.9, 10.98.0.0/16]
  exportTo: ["."]
  ports: [{ number: 5432, name: tcp, protocol: TCP }]
  resolution: NONE
`;

function tableFor(namespace: string, addresses = ["10.244.0.9"]): readonly string[] {
  const { views, connect } = viewFixture(mesh);
  connect({ ...sidecar(namespace, "web"), addresses, capturesDns: true });
  const hosts = views.nameTables.get(views.scopes.ofProxy.get(`${namespace}/web`)?.id ?? "") ?? [];
  return hosts.map(({ host, addresses }) => [host, ...addresses].join(" "));
}

test("declareNameTables() names services, ready pods of headless ones, and hosts of ServiceEntries", () => {
  const [automatic = "", ...rest] = tableFor("shop");
  assert.match(automatic, /^one\.db\.example 240\.240\.\d+\.\d+$/);
  assert.deepEqual(rest, [
    "redis-0.redis.shop.svc.cluster.local 10.244.0.5",
    "redis.shop.svc.cluster.local 10.244.0.5",
    "reviews.shop.svc.cluster.local 10.96.0.1 fd00::1",
  ]);
});

test("declareNameTables() gives automatic addresses of the client's IP families", () => {
  assert.match(tableFor("shop", ["fd00:1::9"])[0] ?? "", /^one\.db\.example 2001:2::f0f0:[0-9a-f]+$/);
  assert.match(
    tableFor("shop", ["10.244.0.9", "fd00:1::9"])[0] ?? "",
    /^one\.db\.example 2001:2::f0f0:[0-9a-f]+ 240\.240\.\d+\.\d+$/,
  );
});

test("declareNameTables() shows a host to the namespaces that it is exported to", () => {
  assert.ok(tableFor("elsewhere").includes("private.example 10.97.0.9"));
});

test("declareNameTables() makes none where no proxy captures DNS", () => {
  const { views, connect, disconnect } = viewFixture(mesh);
  connect(sidecar("shop", "web"));
  assert.equal(views.nameTables.size, 0);
  connect({ ...sidecar("shop", "capturing"), capturesDns: true });
  assert.equal(views.nameTables.size, 1);
  disconnect("shop/capturing");
  assert.equal(views.nameTables.size, 0);
});

test("declareNameTables() prefers the client's own namespace where two name one host", () => {
  const entry = (namespace: string, address: string) => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: db, namespace: ${namespace} }
spec: { hosts: [db.example], addresses: [${address}], ports: [{ number: 1, name: tcp, protocol: TCP }], resolution: NONE }
`;
  const { views, connect } = viewFixture(`${entry("a", "10.97.0.1")}---${entry("b", "10.97.0.2")}`);
  connect({ ...sidecar("b", "web"), capturesDns: true }, { ...sidecar("c", "web"), capturesDns: true });
  assert.deepEqual(views.nameTables.get("b;@dns")?.[0]?.addresses, ["10.97.0.2"]);
  assert.deepEqual(views.nameTables.get("c;@dns")?.[0]?.addresses, ["10.97.0.1"]);
});
