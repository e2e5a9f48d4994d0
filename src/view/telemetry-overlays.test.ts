// Who logs otherwise than the mesh has listeners of his own, shared with whoever does as he does, and nobody else notices.

import assert from "node:assert/strict";
import { test } from "node:test";
import { sidecar, viewFixture } from "../../tests/support/view-fixture.ts";
import type { ListenerSettings } from "./listener-inputs.ts";
import type { Scoped } from "./scoped-rows.ts";

const MESH = `
apiVersion: meltemi.dev/v1
kind: MeshConfig
metadata: { name: mesh }
spec: { accessLogFile: /dev/stdout, extensionProviders: [{ name: some, envoyFileAccessLog: { path: /tmp/some } }] }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { clusterIP: 10.96.0.1, selector: { app: web }, ports: [{ name: http, port: 80 }, { name: tcp, port: 90 }] }
`;

const telemetry = (namespace: string, spec: string) => `
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: { name: logs, namespace: ${namespace} }
spec: ${spec}
`;
const some = "accessLogging: [{ providers: [{ name: some }] }]";

function fixture() {
  const mesh = viewFixture(MESH);
  mesh.connect(sidecar("shop", "a", { app: "a" }), sidecar("shop", "b", { app: "b" }), sidecar("else", "c"));
  const { listeners, virtualOutbound, profiles } = mesh.views;
  const pathsOf = (row: Scoped<{ readonly settings: ListenerSettings }> | undefined) =>
    row?.kind === "present"
      ? (row.inputs.settings.accessLogs ?? []).map((log) => log.kind === "file" && log.path).join()
      : "none";
  const logged = (proxy: string, name: string) => {
    for (const layer of profiles.get(proxy)?.layers.listener ?? []) {
      const row = listeners.get(`${layer}|${name}`) ?? virtualOutbound.get(`${layer}|${name}`);
      if (row !== undefined) return pathsOf(row);
    }
    return "absent";
  };
  const all = (name: string) => ["shop/a", "shop/b", "else/c"].map((proxy) => logged(proxy, name));
  const profileOf = (proxy: string) => profiles.get(proxy)?.id;
  return { ...mesh, all, profileOf };
}

test("all listeners of a client log as the Telemetry for it says, and no others", () => {
  const { put, remove, all } = fixture();
  const names = ["0.0.0.0_80", "10.96.0.1_90", "virtualOutbound"];
  put(telemetry("shop", `{ selector: { matchLabels: { app: a } }, ${some} }`));
  for (const name of names) assert.deepEqual(all(name), ["/tmp/some", "/dev/stdout", "/dev/stdout"], name);
  put(telemetry("shop", "{ accessLogging: [{ disabled: true }] }"));
  for (const name of names) assert.deepEqual(all(name), ["", "", "/dev/stdout"], name);
  put(telemetry("istio-system", `{ ${some} }`));
  for (const name of names) assert.deepEqual(all(name), ["", "", "/tmp/some"], name);
  remove({ kind: "Telemetry", namespace: "shop", name: "logs" });
  for (const name of names) assert.deepEqual(all(name), ["/tmp/some", "/tmp/some", "/tmp/some"], name);
});

test("proxies that log alike share their listeners, and one that says what the mesh says has none of its own", () => {
  const { put, profileOf, views } = fixture();
  const before = views.listeners.size;
  const profile = profileOf("else/c");
  put(telemetry("shop", `{ ${some} }`));
  assert.equal(profileOf("shop/a"), profileOf("shop/b"));
  assert.notEqual(profileOf("shop/a"), profile);
  assert.equal(profileOf("else/c"), profile);
  assert.equal(views.listeners.size, before * 2);
  put(telemetry("shop", "{ accessLogging: [{ disabled: false }] }"));
  assert.equal(views.listeners.size, before);
});

test("who traces otherwise has HTTP listeners of his own, and no others", () => {
  const { put, views, all } = fixture();
  const before = views.listeners.size;
  put(`
apiVersion: meltemi.dev/v1
kind: MeshConfig
metadata: { name: mesh }
spec: { accessLogFile: /dev/stdout, extensionProviders: [{ name: spans, zipkin: { service: web.shop.svc.cluster.local, port: 80 } }] }
---${telemetry("shop", "{ tracing: [{ providers: [{ name: spans }] }] }")}`);
  const traced = [...views.listeners.entries()].filter(
    ([, row]) => row.kind === "present" && row.inputs.settings.tracing !== undefined,
  );
  assert.deepEqual(
    traced.map(([key]) => key.replace(/^.*\|/, "")),
    ["0.0.0.0_80"],
  );
  assert.equal(views.listeners.size, before + 1);
  for (const name of ["0.0.0.0_80", "10.96.0.1_90"])
    assert.deepEqual(all(name), ["/dev/stdout", "/dev/stdout", "/dev/stdout"], name);
});
