import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { meshFixture, readNow } from "../../tests/support/mesh-fixture.ts";
import { findNamed } from "./host-table.ts";

describe("host routes", () => {
  test("have full hosts in lower case and full gateways", () => {
    const found = meshWith("hosts: [web, API.example.com], gateways: [mesh, edge, infra/edge]");
    const routes = found.model.hostRoutes.table.get("shop/web");
    assert.deepEqual(routes?.hosts, ["web.shop.svc.cluster.local", "api.example.com"]);
    assert.deepEqual(routes.gateways, ["mesh", "shop/edge", "infra/edge"]);
  });

  test("are for sidecars where no gateway is named", () => {
    const { model } = meshWith("hosts: [web]");
    assert.equal(findNamed(readNow, model.hostRoutes.ofSidecars, "web.shop.svc.cluster.local").length, 1);
  });

  test("are found by their gateways, not by sidecars, where only those are named", () => {
    const { model } = meshWith("hosts: [web], gateways: [edge]");
    assert.equal(findNamed(readNow, model.hostRoutes.ofSidecars, "web.shop.svc.cluster.local").length, 0);
    assert.equal(readNow.find(model.hostRoutes.byGateway, "shop/edge").length, 1);
  });

  test("have no row for a delegate, and follow it when it changes", () => {
    const mesh = meshFixture();
    const root = virtualService("web", "hosts: [web], http: [{ delegate: { name: part } }]");
    mesh.put(
      [root, virtualService("part", "http: [{ name: one, route: [{ destination: { host: web } }] }]")].join(
        "\n---\n",
      ),
    );
    assert.deepEqual(
      [...mesh.model.hostRoutes.table.entries()].map(([key]) => key),
      ["shop/web"],
    );
    mesh.put(virtualService("part", "http: [{ name: two, route: [{ destination: { host: web } }] }]"));
    assert.deepEqual(
      mesh.model.hostRoutes.table.get("shop/web")?.http.map(({ rule }) => rule.name),
      ["two"],
    );
  });

  test("leave out a delegate that isn't exported to the root's namespace", () => {
    const mesh = meshFixture();
    const delegated = (exportTo: string) =>
      virtualService("part", `${exportTo}http: [{ route: [{ destination: { host: web } }] }]`).replace(
        "namespace: shop",
        "namespace: parts",
      );
    const root = "hosts: [web], http: [{ delegate: { name: part, namespace: parts } }]";
    mesh.put([virtualService("web", root), delegated('exportTo: ["."], ')].join("\n---\n"));
    const ruleCount = () => mesh.model.hostRoutes.table.get("shop/web")?.http.length;
    assert.equal(ruleCount(), 0);
    mesh.put(delegated("exportTo: [shop], "));
    assert.equal(ruleCount(), 1);
  });
});

function meshWith(spec: string, rules = ", http: [{ route: [{ destination: { host: web } }] }]") {
  const mesh = meshFixture();
  mesh.put(virtualService("web", `${spec}${rules}`));
  return mesh;
}

function virtualService(name: string, spec: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${name}, namespace: shop }
spec: { ${spec} }
`;
}
