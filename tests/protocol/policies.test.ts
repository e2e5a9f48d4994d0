// A policy that comes or goes gives proxies another view: they are sent what differs, and all that changed with it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startPlane, startProxy } from "./plane-under-test.ts";

const SERVICE = `
apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: shop }
spec: { clusterIP: 10.96.0.1, selector: { app: reviews }, ports: [{ name: http, port: 80 }] }
`;

function rule(path: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews, namespace: shop }
spec:
  hosts: [reviews]
  http: [{ match: [{ uri: { prefix: ${path} } }], route: [{ destination: { host: reviews } }] }]
`;
}

function deny(path: string, name = "deny"): string {
  return `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: ${name}, namespace: shop }
spec: { action: DENY, rules: [{ to: [{ operation: { paths: [${path}] } }] }] }
`;
}

const SLOT = "meltemi.http.authorization";
const wants = { cluster: "all", listener: "all", route: ["80"], "extension-config": [SLOT] } as const;

test("a new policy reaches a proxy without a word of what stays", async (t) => {
  const { apply, port } = await startPlane(t);
  apply(SERVICE, rule("/first"));
  const proxy = startProxy(t, port, { name: "web", wants });
  await proxy.until(
    "had all",
    () => proxy.inUse.has("route 80") && proxy.inUse.has(`extension-config ${SLOT}`),
  );
  const from = proxy.responses.length;
  apply(deny("/closed"));
  const slot = () => proxy.inUse.get(`extension-config ${SLOT}`) ?? "";
  await proxy.until("had the policy", () => slot().includes("/closed"));
  const later = proxy.responses.slice(from);
  assert.deepEqual([...new Set(later.map(({ type }) => type))], ["extension-config"]);
});

test("what changed together with a new policy arrives too", async (t) => {
  const { apply, port } = await startPlane(t);
  apply(SERVICE, rule("/first"));
  const proxy = startProxy(t, port, { name: "web", wants });
  await proxy.until("had all", () => proxy.inUse.get("route 80")?.includes("/first") === true);
  apply(rule("/second"), deny("/closed"));
  await proxy.until("had both", () => {
    const slot = proxy.inUse.get(`extension-config ${SLOT}`) ?? "";
    return slot.includes("/closed") && proxy.inUse.get("route 80")?.includes("/second") === true;
  });
});

test("proxies of one namespace share what its policies are, whatever else they are", async (t) => {
  const { apply, port, plane } = await startPlane(t);
  apply(SERVICE, deny("/closed"));
  const names = ["web", "api"];
  for (const name of names) {
    const proxy = startProxy(t, port, { name, wants });
    await proxy.until("had the policy", () => proxy.inUse.has(`extension-config ${SLOT}`));
  }
  const slots = [...plane.fleet.sessions()].map((session) =>
    plane.fleet.resourcesOf(session, "extension-config").find(({ name }) => name === SLOT),
  );
  assert.equal(slots.length, names.length);
  assert.equal(slots[0], slots[1]);
});
