// What a proxy refuses counts for that proxy alone, by what it was sent, until it may be otherwise; over real streams.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { programmedReport } from "../../src/admin/programmed-report.ts";
import { objectKey } from "../../src/core/object-key.ts";
import { startPlane, startProxy, type TestProxy, until } from "./plane-under-test.ts";

const SERVICE = `
apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: shop }
spec:
  clusterIP: 10.96.0.1
  selector: { app: reviews }
  ports: [{ name: http, port: 80 }, { name: http-other, port: 8080 }, { name: tcp, port: 9000 }]
`;

/** A rule of a host of its own, on one port with the others'. */
function rule(name: string, path: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${name}, namespace: shop }
spec:
  hosts: [${name}.example.com]
  http: [{ match: [{ uri: { prefix: ${path} } }], route: [{ destination: { host: reviews, port: { number: 80 } } }] }]
`;
}

/** Of the service's ports. */
function timeout(seconds: number): string {
  return `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews, namespace: shop }
spec:
  hosts: [reviews]
  http: [{ name: in-${seconds}, timeout: ${seconds}s, route: [{ destination: { host: reviews } }] }]
`;
}

const ruleKey = (name: string) => objectKey({ kind: "VirtualService", namespace: "shop", name });
const paths = (proxy: TestProxy, table = "80") =>
  [...new Set(proxy.inUse.get(`route ${table}`)?.match(/\/(?:good|bad)-\w+/g))].sort().join(" ");
const has = (proxy: TestProxy, wanted: string) => proxy.until(`had ${wanted}`, () => paths(proxy) === wanted);
const refusesBad = ({ text }: { readonly text: string }) =>
  text.includes("/bad") ? "I don't like it" : undefined;
const wants = { route: ["80"] };

async function startRules(t: TestContext) {
  const started = await startPlane(t);
  started.apply(SERVICE, rule("a", "/good-a"), rule("b", "/good-b"), rule("c", "/good-c"));
  const { plane } = started;
  const refused = () =>
    plane.fleet.refusals().map(({ provenance }) => provenance.map(({ object }) => object));
  const report = (name: string) => programmedReport(plane.fleet, ruleKey(name), undefined);
  return { ...started, refused, report };
}

test("one client that refuses a table by name keeps no other from an edit, nor is more said of others", async (t) => {
  const { apply, port, report } = await startRules(t);
  const honest = startProxy(t, port, { name: "honest", wants });
  let isRogue = false;
  const refuses = () => (isRogue ? "80: no such thing" : undefined);
  const rogue = startProxy(t, port, { name: "rogue", wants, refuses });
  for (const proxy of [honest, rogue]) await has(proxy, "/good-a /good-b /good-c");
  isRogue = true;
  apply(rule("a", "/good-other"));
  await has(honest, "/good-b /good-c /good-other");
  await rogue.until("refused it", () => rogue.responses.some(({ refusal }) => refusal !== undefined));
  apply(rule("b", "/good-edit"));
  await has(honest, "/good-c /good-edit /good-other");
  const newcomer = startProxy(t, port, { name: "newcomer", wants });
  await has(newcomer, "/good-c /good-edit /good-other");
  await until(
    () => "settled",
    () => report("b").awaited.length === 0,
  );
  const { proxyCount, acknowledgedCount, refusedBy, reasons } = report("b");
  assert.deepEqual([proxyCount, acknowledgedCount, refusedBy], [3, 2, ["rogue.shop"]]);
  assert.deepEqual(reasons, [{ message: 'route "80": 80: no such thing', proxies: ["rogue.shop"] }]);
});

test("a client of a made-up node id that refuses clusters takes none from those who have them", async (t) => {
  const { apply, port } = await startRules(t);
  const honest = startProxy(t, port, { name: "honest", wants: { cluster: "all" } });
  const name = "outbound|80||reviews.shop.svc.cluster.local";
  await honest.until("had its clusters", () => honest.inUse.has(`cluster ${name}`));
  const count = honest.inUse.size;
  const refuses = () => `Error adding/updating cluster(s) ${[...honest.inUse.keys()].join(": no ")}: no`;
  const rogue = startProxy(t, port, { name: "nobody", wants: { cluster: "all" }, refuses });
  await rogue.until("refused", () => rogue.responses.length > 0);
  apply(`
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews, namespace: shop }
spec: { host: reviews, subsets: [{ name: v1, labels: { version: v1 } }] }
`);
  const subset = "cluster outbound|80|v1|reviews.shop.svc.cluster.local";
  await honest.until("got the subset", () => honest.inUse.has(subset));
  assert.ok(honest.inUse.size > count);
  const newcomer = startProxy(t, port, { name: "newcomer", wants: { cluster: "all" } });
  await newcomer.until("got all", () => newcomer.inUse.size === honest.inUse.size);
  for (const { responses } of [honest, newcomer, rogue]) {
    assert.deepEqual(
      responses.flatMap(({ removed }) => removed),
      [],
    );
  }
});

test("a refusal of 8080 doesn't keep the proxy from 80", async (t) => {
  const { apply, port, plane } = await startRules(t);
  apply(timeout(1));
  let isRefusing = false;
  const refuses = ({ name }: { readonly name: string }) =>
    isRefusing && name === "8080" ? "8080: no such thing" : undefined;
  const proxy = startProxy(t, port, { name: "web", wants: { route: ["80", "8080"] }, refuses });
  await proxy.until("had both", () => proxy.inUse.size === 2);
  isRefusing = true;
  for (const seconds of [2, 3]) {
    apply(timeout(seconds));
    await proxy.until(
      `had ${seconds}`,
      () => proxy.inUse.get("route 80")?.includes(`in-${seconds}`) === true,
    );
  }
  await proxy.until("was refused", () => plane.fleet.refusals().length > 0);
  assert.deepEqual(
    plane.fleet.refusals().map(({ name }) => name),
    ["8080"],
  );
  assert.match(proxy.inUse.get("route 8080") ?? "", /in-1/);
});

test("others' edits in the same table go on for a proxy that refuses an object, which keeps its version before", async (t) => {
  const { apply, port, refused, report } = await startRules(t);
  const proxy = startProxy(t, port, { name: "web", wants, refuses: refusesBad });
  await has(proxy, "/good-a /good-b /good-c");
  apply(rule("a", "/bad-a"));
  await proxy.until("refused", () => refused().length > 0);
  apply(rule("b", "/good-other"));
  await has(proxy, "/good-a /good-c /good-other");
  assert.deepEqual(refused(), [[ruleKey("a")]]);
  await proxy.until("settled", () => report("b").acknowledgedCount === 1);
  assert.deepEqual([report("a").refusedBy, report("b").refusedBy], [["web.shop"], []]);
  assert.equal(proxy.responses.filter(({ refusal }) => refusal !== undefined).length, 1, "once");
  // Bad in another way, then good.
  apply(rule("a", "/bad-again"));
  await proxy.until("refused again", () => proxy.responses.filter(({ refusal }) => refusal).length === 2);
  await has(proxy, "/good-a /good-c /good-other");
  apply(rule("a", "/good-again"));
  await has(proxy, "/good-again /good-c /good-other");
  await proxy.until("settled", () => report("a").acknowledgedCount === 1);
  assert.deepEqual(refused(), []);
});

test("of several that a proxy refuses together only the bad one is left as it was", async (t) => {
  const { apply, port, refused } = await startRules(t);
  const proxy = startProxy(t, port, { name: "web", wants, refuses: refusesBad });
  await has(proxy, "/good-a /good-b /good-c");
  apply(rule("a", "/good-new"), rule("b", "/bad-b"), rule("c", "/good-newer"));
  await proxy.until("found the bad one", () => refused().length > 0);
  await has(proxy, "/good-b /good-new /good-newer");
  assert.deepEqual(refused(), [[ruleKey("b")]]);
});

test("a proxy that starts while something is bad lacks that alone", async (t) => {
  const { apply, port, refused } = await startRules(t);
  apply(rule("b", "/bad-b"), rule("d", "/bad-d"));
  const proxy = startProxy(t, port, { name: "web", wants, refuses: refusesBad });
  await has(proxy, "/good-a /good-c");
  await proxy.until("settled", () => refused().length === 2);
  assert.deepEqual(refused().flat().sort(), [ruleKey("b"), ruleKey("d")]);
});

test("an object that is written again is offered again, though it says the same", async (t) => {
  const { apply, port, refused } = await startRules(t);
  let isRefusing = true;
  const refuses = (resource: { readonly text: string }) => (isRefusing ? refusesBad(resource) : undefined);
  const proxy = startProxy(t, port, { name: "web", wants, refuses });
  await has(proxy, "/good-a /good-b /good-c");
  apply(rule("a", "/bad-a"));
  await proxy.until("refused", () => refused().length > 0);
  isRefusing = false;
  apply(rule("a", "/bad-a"));
  await has(proxy, "/bad-a /good-b /good-c");
  await proxy.until("settled", () => refused().length === 0);
});

test("what is written into an object's status is no reason to offer it again", async (t) => {
  const { apply, port, refused } = await startRules(t);
  const proxy = startProxy(t, port, { name: "web", wants, refuses: refusesBad });
  await has(proxy, "/good-a /good-b /good-c");
  apply(rule("a", "/bad-a"));
  await proxy.until("refused", () => refused().length > 0);
  apply(`${rule("a", "/bad-a")}status: { conditions: [] }\n`);
  apply(rule("b", "/good-other"));
  await has(proxy, "/good-a /good-c /good-other");
  assert.equal(proxy.responses.filter(({ refusal }) => refusal !== undefined).length, 1);
});

test("it is told when something comes to be refused, and when that is over, each time", async (t) => {
  const { apply, port, plane, refused } = await startRules(t);
  const told: number[] = [];
  plane.fleet.watchRefusals(() => told.push(plane.fleet.refusals().length));
  const proxy = startProxy(t, port, { name: "web", wants, refuses: refusesBad });
  await has(proxy, "/good-a /good-b /good-c");
  for (const _ of ["once", "again"]) {
    apply(rule("a", "/bad-a"));
    await proxy.until("refused", () => refused().length > 0);
    apply(rule("a", "/good-a"));
    await proxy.until("settled", () => refused().length === 0);
  }
  assert.deepEqual(told, [1, 0, 1, 0]);
});

test("virtualOutbound is offered in every version, whatever was refused, and never withdrawn", async (t) => {
  const { apply, port, plane } = await startRules(t);
  const names = ({ responses }: TestProxy) => responses.flatMap((each) => each.names);
  const countOf = (proxy: TestProxy) => names(proxy).filter((name) => name === "virtualOutbound").length;
  const refuses = ({ name }: { readonly name: string }) =>
    name === "virtualOutbound"
      ? "Error adding/updating listener(s) virtualOutbound: address in use"
      : undefined;
  const proxy = startProxy(t, port, { name: "web", wants: { listener: "all" }, refuses });
  await proxy.until("got it", () => plane.fleet.refusals().length > 0);
  const before = countOf(proxy);
  apply(`
kind: MeshConfig
metadata: { name: mesh }
spec: { outboundTrafficPolicy: { mode: REGISTRY_ONLY } }
`);
  await proxy.until("got the next version", () => countOf(proxy) > before);
  assert.deepEqual(
    proxy.responses.flatMap(({ removed }) => removed),
    [],
  );
});

test("a refused listener is offered again when another one goes that may have been in its way", async (t) => {
  const { apply, plane, port } = await startRules(t);
  let isInTheWay = true;
  const refused = "10.96.0.1_9000";
  const refuses = ({ name }: { readonly name: string }) =>
    isInTheWay && name === refused
      ? `Error adding/updating listener(s) ${name}: duplicate address`
      : undefined;
  apply(`
apiVersion: v1
kind: Service
metadata: { name: other, namespace: shop }
spec: { clusterIP: 10.96.0.2, ports: [{ name: tcp, port: 9000 }] }
`);
  const proxy = startProxy(t, port, { name: "web", wants: { listener: "all" }, refuses });
  await proxy.until("refused", () => plane.fleet.refusals().length > 0);
  isInTheWay = false;
  plane.intake.change([], [objectKey({ kind: "Service", namespace: "shop", name: "other" })]);
  plane.intake.flush();
  await proxy.until("taken", () => proxy.inUse.has(`listener ${refused}`));
  await proxy.until("settled", () => plane.fleet.refusals().length === 0);
});

function deny(path: string): string {
  return `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: paths, namespace: shop }
spec: { action: DENY, rules: [{ to: [{ operation: { paths: [${path}] } }] }] }
`;
}

test("a policy that is refused before there was another closes its slot, until a newer one is taken", async (t) => {
  const { apply, port, plane } = await startPlane(t);
  apply(deny("/bad"));
  const slot = "meltemi.http.authorization";
  const wants = { "extension-config": [slot] };
  const proxy = startProxy(t, port, { name: "web", wants, refuses: refusesBad });
  const inUse = () => proxy.inUse.get(`extension-config ${slot}`) ?? "";
  await proxy.until("closed the slot", () => inUse().includes("refused-shop-paths"));
  const [refusal] = plane.fleet.refusals();
  assert.deepEqual(
    [refusal?.provenance.map(({ object }) => object), refusal?.detail],
    [["AuthorizationPolicy/shop/paths"], "I don't like it"],
  );
  apply(deny("/good"));
  await proxy.until("took the newer one", () => inUse().includes("/good"));
  assert.ok(!inUse().includes("refused-"));
  assert.deepEqual(plane.fleet.refusals(), []);
  apply(deny("/bad-again"));
  await until(
    () => "was refused",
    () => plane.fleet.refusals().length === 1,
  );
  assert.ok(inUse().includes("/good"), "the last good one stays");
});
