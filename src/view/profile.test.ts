import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { sidecar, type ViewFixture, viewFixture } from "../../tests/support/view-fixture.ts";
import { EVERY_PROXY_LAYER, sidecarLayer, workloadLayer } from "./layer-id.ts";
import type { Profile } from "./profile.ts";

const WEB = `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { clusterIP: 10.96.0.1, ports: [{ name: http, port: 80 }] }
`;

const POLICY = `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: web, namespace: shop }
spec: { selector: { matchLabels: { app: web } } }
`;

describe("declareProfiles()", () => {
  test("gives proxies one profile while no fact tells them apart", () => {
    const mesh = connected();
    assert.equal(profileOf(mesh, "shop/web-1").id, profileOf(mesh, "shop/web-2").id);
    assert.equal(profileOf(mesh, "shop/web-1").id, profileOf(mesh, "shop/jobs-1").id);
    assert.notEqual(profileOf(mesh, "shop/web-1").id, profileOf(mesh, "other/web-1").id);
  });

  test("parts those from others for whom a policy holds, and nobody else", () => {
    const mesh = connected();
    const { id } = profileOf(mesh, "shop/jobs-1");
    mesh.put(POLICY);
    assert.equal(profileOf(mesh, "shop/web-1").id, profileOf(mesh, "shop/web-2").id);
    assert.notEqual(profileOf(mesh, "shop/web-1").id, id);
    assert.equal(profileOf(mesh, "shop/jobs-1").id, id);
  });

  test("orders layers from the workload's own to those of every proxy", () => {
    const mesh = connected();
    const own = workloadLayer(mesh.views.inboundOfProxy.get("shop/web-1")?.id ?? "");
    const { cluster, listener, secret } = profileOf(mesh, "shop/web-1").layers;
    assert.deepEqual(cluster, [own, "shop", "", sidecarLayer("ipv4"), EVERY_PROXY_LAYER]);
    assert.deepEqual(listener, [own, "shop", "", sidecarLayer("ipv4")]);
    assert.deepEqual(secret, []);
  });

  test("gives a gateway its own listeners and routes alone", () => {
    const mesh = connected();
    const { listener, route } = profileOf(mesh, "edge/edge-1").layers;
    const own = [workloadLayer(mesh.views.gatewayOfProxy.get("edge/edge-1")?.id ?? "")];
    assert.deepEqual([listener, route], [own, own]);
  });
});

function connected(): ViewFixture {
  const mesh = viewFixture(WEB);
  mesh.connect(
    sidecar("shop", "web-1", { app: "web" }),
    sidecar("shop", "web-2", { app: "web" }),
    sidecar("shop", "jobs-1", { app: "jobs" }),
    sidecar("other", "web-1", { app: "web" }),
    { ...sidecar("edge", "edge-1"), kind: "router" },
  );
  return mesh;
}

function profileOf({ views }: ViewFixture, key: string): Profile {
  const profile = views.profiles.get(key);
  assert.ok(profile !== undefined);
  return profile;
}
