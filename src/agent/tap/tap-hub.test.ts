import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../core/clock.ts";
import { silentLogger } from "../../core/logger.ts";
import type { TapEvent, TapLoss, TapQuery } from "../../core/tap-event.ts";
import { tapFormat } from "../../core/tap-record.ts";
import { MAX_TAPS, TapHub } from "./tap-hub.ts";

const own = {
  ...{ workload: "reviews-v1", namespace: "shop", canonicalService: "reviews", canonicalRevision: "v1" },
  ...{ cluster: "Kubernetes", app: "reviews", version: "v1" },
};
const everything: TapQuery = {
  ...{ from: "", to: "", path: "", method: "", status: "" },
  ...{ headers: [], isQueryShown: false },
};
const request = {
  side: "m",
  startMs: "1796118178599",
  durationMs: "3",
  flags: "-",
  details: "via_upstream",
  cluster: "inbound|8080||",
  service: "reviews.shop.svc.cluster.local;reviews;shop",
  clusterFrom: "Service/shop/reviews",
  callerAddress: "10.244.0.2:47762",
  peerPrincipal: "spiffe://cluster.local/ns/front/sa/web",
  localPrincipal: "spiffe://cluster.local/ns/shop/sa/reviews",
  peerSubject: "UID=1f,unstructuredName=web-1,description=web-v2:front:web:v2:Kubernetes:web:v2",
  receivedBytes: "182",
  sentBytes: "858",
  method: "GET",
  authority: "reviews",
  path: "/api/items?token=hunter2",
  protocol: "HTTP/1.1",
  status: "200",
  route: "default",
  "user-agent": "curl/8",
  referer: "https://shop.example/cart?session=hunter2",
};

const line = (changes: Readonly<Record<string, string>> = {}) =>
  tapFormat("http", { ...request, ...changes }).trimEnd();

/** Envoy as the hub sees it: it can be away. */
function hubOf() {
  const clock = new ManualClock();
  const envoy = { isTapped: false, isAway: false, calls: 0 };
  const hub = new TapHub({
    ...{ own, clock, log: silentLogger },
    async setTapped(isTapped) {
      envoy.calls += 1;
      if (envoy.isAway) throw new Error("away");
      envoy.isTapped = isTapped;
    },
  });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const open = (query: Partial<TapQuery> = {}, isFast = true) => {
    const items: (TapEvent & TapLoss)[] = [];
    const reader = {
      isFast,
      take(text: string) {
        items.push(JSON.parse(text));
        return reader.isFast;
      },
    };
    return { tap: hub.open({ ...everything, ...query }, reader), items, reader };
  };
  return { hub, clock, envoy, settle, open };
}

test("TapHub has Envoy write while somebody taps, and no longer", async () => {
  const { envoy, settle, open } = hubOf();
  const [one, two] = [open(), open()];
  await settle();
  assert.equal(envoy.isTapped, true);
  one.tap?.close();
  await settle();
  assert.equal(envoy.isTapped, true);
  two.tap?.close();
  await settle();
  assert.equal(envoy.isTapped, false);
  assert.equal(envoy.calls, 2);
});

test("TapHub asks an Envoy that is away until it is back, also for a tap that has ended", async () => {
  const { clock, envoy, settle, open } = hubOf();
  const { tap } = open();
  await settle();
  envoy.isAway = true;
  tap?.close();
  await settle();
  assert.equal(envoy.isTapped, true);
  envoy.isAway = false;
  clock.advance(500);
  await settle();
  assert.equal(envoy.isTapped, false);
});

test("TapHub has an Envoy that was started again write for those who still tap", async () => {
  const { hub, clock, envoy, settle, open } = hubOf();
  open();
  await settle();
  Object.assign(envoy, { isTapped: false, isAway: true });
  hub.envoyStarted();
  await settle();
  envoy.isAway = false;
  clock.advance(500);
  await settle();
  assert.equal(envoy.isTapped, true);
});

test("TapHub takes the lines of taps alone, and shows who called whom", () => {
  const { hub, open } = hubOf();
  assert.equal(hub.take(line()), true, "of a tap that has just ended");
  const { items } = open();
  assert.equal(hub.take("[2026-12-01] an access log"), false);
  assert.equal(hub.take("\u0001Hm\u001f200"), false);
  assert.equal(hub.take("\u0001hm\u001f200"), true);
  assert.equal(hub.take(line()), true);
  assert.deepEqual(items, [
    {
      ...{ kind: "http", direction: "in", at: "2026-12-01T09:42:58.599Z", durationMs: 3 },
      caller: {
        ...{ workload: "web-v2", namespace: "front", principal: request.peerPrincipal },
        address: "10.244.0.2:47762",
      },
      called: { workload: "reviews-v1", namespace: "shop", principal: request.localPrincipal },
      ...{ isMutualTls: true, service: "reviews.shop.svc.cluster.local", method: "GET" },
      ...{ authority: "reviews", path: "/api/items?…", protocol: "HTTP/1.1", status: 200 },
      ...{ receivedBytes: 182, sentBytes: 858, flags: [], details: "via_upstream" },
      route: { name: "default", from: [] },
      cluster: { name: "inbound|8080||", from: ["Service/shop/reviews"] },
    },
  ]);
});

test("TapHub shows no header but those asked for, and no query unless it is asked for", () => {
  const { hub, open } = hubOf();
  const [plain, withHeaders, withQuery] = [
    open(),
    open({ headers: ["user-agent", "referer", "accept"] }),
    open({ headers: ["referer"], isQueryShown: true }),
  ];
  hub.take(line());
  assert.doesNotMatch(JSON.stringify(plain.items), /hunter2|curl/);
  assert.doesNotMatch(JSON.stringify(withHeaders.items), /hunter2/);
  assert.deepEqual(withHeaders.items[0]?.headers, {
    "user-agent": "curl/8",
    referer: "https://shop.example/cart?…",
  });
  assert.equal(withQuery.items[0]?.path, request.path);
  assert.equal(withQuery.items[0]?.headers?.referer, request.referer);
});

for (const [query, isShown] of [
  [{ from: "web" }, true],
  [{ from: "web-v2" }, true],
  [{ from: "front/web" }, true],
  [{ from: "front/" }, true],
  [{ from: "shop/web" }, false],
  [{ to: "reviews" }, true],
  [{ to: "reviews-v1" }, true],
  [{ to: "reviews.shop.svc.cluster.local" }, true],
  [{ to: "ratings" }, false],
  [{ path: "/api/items?token=h" }, true],
  [{ path: "/items" }, false],
  [{ method: "get" }, true],
  [{ method: "POST" }, false],
  [{ status: "2xx" }, true],
  [{ status: "200" }, true],
  [{ status: "5xx" }, false],
  [{ from: "web", status: "5xx" }, false],
] as const) {
  test(`a tap with ${JSON.stringify(query)} ${isShown ? "sees" : "doesn't see"} it`, () => {
    const { hub, open } = hubOf();
    const { items } = open(query);
    hub.take(line());
    assert.equal(items.length, isShown ? 1 : 0);
  });
}

test("a slow reader holds no memory: what it misses is counted, and others miss nothing", () => {
  const { hub, open } = hubOf();
  const [slow, fast] = [open({}, false), open()];
  for (let at = 0; at < 1_000; at += 1) hub.take(line());
  assert.deepEqual([slow.items.length, fast.items.length], [1, 1_000]);
  slow.reader.isFast = true;
  slow.tap?.resume();
  hub.take(line());
  assert.deepEqual([slow.items.length, slow.items[1]?.dropped, slow.items[2]?.status], [3, 999, 200]);
});

test("TapHub has room for a hundred, and refuses those beyond its bound until one ends", () => {
  const { hub, open } = hubOf();
  const all = Array.from({ length: MAX_TAPS }, () => open());
  assert.ok(MAX_TAPS >= 100 && all.every(({ tap }) => tap !== undefined));
  assert.equal(open().tap, undefined);
  hub.take(line());
  assert.ok(all.every(({ items }) => items.length === 1));
  all[0]?.tap?.close();
  assert.notEqual(open().tap, undefined);
});

test("a denied TCP connection says by which policy", () => {
  const { hub, open } = hubOf();
  const { items } = open();
  const rule = "rbac_access_denied_matched_policy[ns[shop]-policy[closed]-rule[1]]";
  const fields = {
    ...request,
    details: rule,
    flags: "UF,URX",
    event: "TcpConnectionEnd",
    connectionId: "28",
  };
  hub.take(tapFormat("tcp", fields).trimEnd());
  const [event] = items;
  assert.deepEqual(
    [event?.kind, event?.state, event?.connection, event?.status],
    ["tcp", "closed", "28", undefined],
  );
  assert.deepEqual([event?.details, event?.flags], [rule, ["UF", "URX"]]);
});
