import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { RouteConfigurationSchema } from "../gen/envoy/config/route/v3/route_pb.ts";
import type { ConnectedProxy } from "../view/client-scope.ts";
import { layerKey } from "../view/scoped-rows.ts";
import { sidecar, viewFixture } from "../view/view-fixture.ts";
import { declareResourceTables } from "./resource-tables.ts";

const SNIFFED = `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.96.0.1, ports: [{name: any, port: 81}]}
`;
const DUAL_STACK = `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.96.0.1, clusterIPs: [10.96.0.1, "fd00::1"], ports: [{name: http, port: 80}]}
`;
const ALIAS = `
apiVersion: v1
kind: Service
metadata: {name: old, namespace: legacy}
spec: {type: ExternalName, externalName: web.shop.svc.cluster.local}
`;

function routeTable(yaml: string, client: ConnectedProxy, name: string) {
  const mesh = viewFixture();
  const { route } = declareResourceTables(mesh.graph, mesh.views);
  mesh.put(yaml);
  mesh.connect(client);
  const scope = mesh.views.scopes.ofProxy.get(`${client.namespace}/${client.name}`)?.id ?? "";
  const row = route.get(layerKey(scope, name)) ?? route.get(layerKey("", name));
  assert.ok(row?.kind === "present");
  const { virtualHosts } = fromBinary(RouteConfigurationSchema, Buffer.concat(row.resource.body));
  return Object.fromEntries(virtualHosts.map((host) => [host.name, host.domains]));
}

describe("route tables", () => {
  test("of one service take every host: its address has chosen it", () => {
    const name = "web.shop.svc.cluster.local:81";
    assert.deepEqual(routeTable(SNIFFED, sidecar("shop", "a"), name), { [name]: ["*"] });
  });

  test("of a port name a service by the addresses of the client's families", () => {
    const named = (...addresses: string[]) => {
      const client = { ...sidecar("other", "a"), addresses };
      const domains = routeTable(DUAL_STACK, client, "80")["web.shop.svc.cluster.local:80"];
      return domains?.filter((domain) => /\d/.test(domain));
    };
    assert.deepEqual(named("10.244.0.9"), ["10.96.0.1"]);
    assert.deepEqual(named("fd00:1::9"), ["[fd00::1]"]);
    assert.deepEqual(named("10.244.0.9", "fd00:1::9"), ["10.96.0.1", "[fd00::1]"]);
  });

  test("of a port name a service by its aliases too", () => {
    const table = routeTable(`${DUAL_STACK}---${ALIAS}`, sidecar("other", "a"), "80");
    assert.deepEqual(table["web.shop.svc.cluster.local:80"], [
      "web.shop.svc.cluster.local",
      "web.shop.svc.cluster.local.",
      "web.shop",
      "web.shop.svc",
      "old.legacy.svc.cluster.local",
      "old.legacy.svc.cluster.local.",
      "old.legacy",
      "old.legacy.svc",
      "10.96.0.1",
    ]);
  });
});
