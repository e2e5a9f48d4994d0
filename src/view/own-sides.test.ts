import assert from "node:assert/strict";
import { test } from "node:test";
import { meshFixture } from "../../tests/support/mesh-fixture.ts";
import { sidecar } from "../../tests/support/view-fixture.ts";
import { type ConnectedProxy, declareClientScopes } from "./client-scope.ts";
import { declareInboundViews } from "./inbound.ts";
import { declareOwnSides } from "./own-sides.ts";

const SERVICES = `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { clusterIP: 10.96.0.1, selector: { app: web }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: one, namespace: shop }
spec:
  hosts: [one.example]
  resolution: STATIC
  ports: [{ number: 90, name: tcp, protocol: TCP }]
  endpoints: [{ address: 10.244.0.7 }]
`;

function fixture() {
  const { graph, model, put } = meshFixture();
  const proxies = graph.source<ConnectedProxy>("proxies");
  const askSeveral = graph.source<true>("several");
  const scopes = declareClientScopes(graph, model, proxies);
  const sides = declareOwnSides(graph, model, { scopes, askSeveral });
  const inbound = declareInboundViews(graph, model, sides);
  const connect = (...connected: readonly ConnectedProxy[]) =>
    graph.commit(({ set }) => {
      for (const proxy of connected) set(proxies, `${proxy.namespace}/${proxy.name}`, proxy);
    });
  const leave = (key: string) => graph.commit((transaction) => transaction.delete(proxies, key));
  put(SERVICES);
  return { sides, inbound, connect, leave, put };
}

const replica = (index: number): ConnectedProxy => ({
  ...sidecar("shop", `web-${index}`, { app: "web" }),
  addresses: [`10.244.0.${index}`],
});

test("replicas of a workload have one own side, unless a service knows one of them by its address", () => {
  const { sides, inbound, connect } = fixture();
  connect(...[1, 2, 3, 7].map(replica));
  assert.equal(sides.table.size, 2);
  const portsOf = (proxy: string) => inbound.get(proxy)?.listener.ports.map(({ port }) => port);
  assert.deepEqual(portsOf("shop/web-1"), [8080]);
  assert.deepEqual(portsOf("shop/web-7"), [90, 8080]);
  assert.equal(inbound.get("shop/web-1"), inbound.get("shop/web-3"));
});

test("what tells proxies apart for policies tells their sides apart", () => {
  const { sides, connect } = fixture();
  const differing: readonly ConnectedProxy[] = [
    replica(1),
    { ...replica(2), labels: { app: "web", version: "v2" } },
    { ...replica(3), namespace: "other" },
    { ...replica(4), kind: "router" },
    { ...replica(5), addresses: ["10.244.0.5", "fd00::5"] },
  ];
  connect(...differing);
  assert.equal(sides.table.size, differing.length);
});

test("a side stays while some proxy has it", () => {
  const { sides, inbound, connect, leave, put } = fixture();
  connect(replica(1), replica(2));
  leave("shop/web-1");
  assert.equal(sides.table.size, 1);
  put(SERVICES.replace("targetPort: 8080", "targetPort: 9090"));
  assert.deepEqual(
    inbound.get("shop/web-2")?.listener.ports.map(({ port }) => port),
    [9090],
  );
  leave("shop/web-2");
  assert.deepEqual([sides.table.size, inbound.size], [0, 0]);
});
