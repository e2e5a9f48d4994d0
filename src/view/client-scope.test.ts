import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sidecar, viewFixture } from "../../tests/support/view-fixture.ts";

function virtualService(match: string, namespace = "shop", exportTo = "['*']"): string {
  return `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: web, namespace: ${namespace} }
spec:
  hosts: [web.shop.svc.cluster.local]
  exportTo: ${exportTo}
  http: [{ match: [{ ${match} }], route: [{ destination: { host: web } }] }]
`;
}

describe("client scopes", () => {
  it("are few, however many pods a label tells apart of which a rule names one", () => {
    const mesh = viewFixture(virtualService("sourceLabels: { pod-template-hash: h7 }"));
    const pods = Array.from({ length: 50 }, (_, index) =>
      sidecar("shop", `web-${index}`, { "pod-template-hash": `h${index}` }),
    );
    mesh.connect(...pods);
    const scopes = [...mesh.views.scopes.table.entries()].map(([id]) => id).sort();
    assert.deepEqual(scopes, ["shop", "shop;pod-template-hash=h7"]);
    assert.equal(mesh.views.scopes.ofProxy.get("shop/web-7")?.id, "shop;pod-template-hash=h7");
  });

  it("are told apart by all labels of a match together", () => {
    const mesh = viewFixture(virtualService("sourceLabels: { app: web, version: v1 }"));
    mesh.connect(
      sidecar("shop", "both", { version: "v1", app: "web" }),
      sidecar("shop", "one", { app: "web" }),
      sidecar("shop", "other", { app: "web", version: "v2" }),
    );
    const scopeOf = (name: string) => mesh.views.scopes.ofProxy.get(`shop/${name}`)?.id;
    assert.equal(scopeOf("both"), "shop;app=web,version=v1");
    assert.equal(scopeOf("one"), "shop");
    assert.equal(scopeOf("other"), "shop");
  });

  it("aren't told apart by labels in rules for other namespaces", () => {
    const mesh = viewFixture(virtualService("sourceLabels: { app: web }", "home", "['.']"));
    mesh.connect(sidecar("shop", "web", { app: "web" }), sidecar("home", "web", { app: "web" }));
    assert.equal(mesh.views.scopes.ofProxy.get("shop/web")?.id, "shop");
    assert.equal(mesh.views.scopes.ofProxy.get("home/web")?.id, "home;app=web");
  });

  it("come and go with the rules that ask", () => {
    const mesh = viewFixture("");
    mesh.connect(sidecar("shop", "web", { app: "web" }));
    const scopeOfWeb = () => mesh.views.scopes.ofProxy.get("shop/web")?.id;
    assert.equal(scopeOfWeb(), "shop");
    mesh.put(virtualService("sourceLabels: { app: web }"));
    assert.equal(scopeOfWeb(), "shop;app=web");
    mesh.put(virtualService("sourceLabels: { app: web, version: v1 }"));
    assert.equal(scopeOfWeb(), "shop");
    mesh.remove({ kind: "VirtualService", namespace: "shop", name: "web" });
    assert.equal(scopeOfWeb(), "shop");
  });
});

it("declareClientScopes() keeps apart clients whose words look like somebody else's scope", () => {
  const mesh = viewFixture(virtualService("sourceLabels: { app: web }"));
  const proxies = [
    sidecar("shop", "web", { app: "web" }),
    sidecar("shop;app=web", "namespace"),
    { ...sidecar("shop", "ipv6"), addresses: ["fd00::1"] },
    { ...sidecar("shop", "domain"), domain: "ipv6" },
    { ...sidecar("shop", "both", { app: "web" }), domain: "a" },
    { ...sidecar("shop", "neither"), domain: "a;app=web" },
  ];
  mesh.connect(...proxies);
  assert.equal(mesh.views.scopes.table.size, proxies.length);
});
