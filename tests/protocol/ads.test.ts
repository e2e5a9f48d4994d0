import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import grpcJs from "@grpc/grpc-js";
import { ManualClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { GrpcServer } from "../../src/grpc/server.ts";
import type {
  GenericRequest,
  XdsBackend,
  XdsClient,
  XdsConversation,
  XdsJoining,
  XdsOpening,
  XdsSession,
  XdsStreamHandle,
} from "../../src/xds/backend.ts";
import type { Resource, ResourceReference, ResourceSet } from "../../src/xds/resource.ts";
import { createResourceSet } from "../../src/xds/resource.ts";
import type { ResourceType } from "../../src/xds/resource-type.ts";
import { typeUrlOf } from "../../src/xds/resource-type.ts";
import { createXdsServer } from "../../src/xds/xds-server.ts";
import { openDelta, openStateOfTheWorld } from "./ads-client.ts";

const node = {
  id: "sidecar~127.0.0.1~x.default~default.svc.cluster.local",
  metadata: { NAMESPACE: "default" },
};
const cds = typeUrlOf("cluster");
const eds = typeUrlOf("endpoint");
const rds = typeUrlOf("route");
const sds = typeUrlOf("secret");
const vhds = typeUrlOf("virtual-host");

type TypedResource = readonly [ResourceType, Resource];

function resource(
  type: ResourceType,
  name: string,
  options: { version?: string; needs?: readonly ResourceReference[]; bytes?: number } = {},
): TypedResource {
  const { version = "1", needs = [], bytes = 1 } = options;
  return [type, { name, version, body: [new Uint8Array(bytes)], needs }];
}

interface Fixture {
  readonly port: number;
  readonly clock: ManualClock;
  readonly clients: XdsClient[];
  readonly streams: XdsStreamHandle[];
  readonly log: string[];
}

interface FixtureOptions {
  readonly servesSecrets?: boolean;
  readonly maxUnacknowledgedBytes?: number;
  readonly maxSubscribedNames?: number;
  readonly session?: Partial<XdsSession>;
  readonly conversation?: Partial<XdsConversation>;
  readonly open?: (accept: () => XdsOpening) => ReturnType<XdsBackend["open"]>;
}

async function start(t: TestContext, set: ResourceSet, options: FixtureOptions = {}): Promise<Fixture> {
  const clock = new ManualClock();
  const [clients, streams, log]: [XdsClient[], XdsStreamHandle[], string[]] = [[], [], []];
  const session: XdsSession = {
    initialSet: () => set,
    clientKey: node.id,
    emptyResource: (type, name) =>
      type === "secret" ? undefined : resource(type, name, { version: "empty" })[1],
    acknowledged: (type, nonce, resources) =>
      void log.push(`ack ${type} ${nonce} ${resources.map((r) => r.name)}`),
    rejected: (type, { resources, detail }) =>
      void log.push(`nack ${type} ${resources.map((r) => r.name)} ${detail}`),
    ...options.session,
  };
  const conversation: XdsConversation = {
    join: () => ({ kind: "joined", session }),
    closed: () => void log.push("closed"),
    ...options.conversation,
  };
  const backend: XdsBackend = {
    open(client, stream) {
      clients.push(client);
      streams.push(stream);
      const accept = () => ({ kind: "accepted", conversation }) as const;
      return options.open === undefined ? accept() : options.open(accept);
    },
  };
  const server = new GrpcServer({ clock, log: silentLogger, random: () => 0.5 });
  t.after(() => server.close());
  const { servesSecrets = true, maxUnacknowledgedBytes = 1 << 20, maxSubscribedNames = 1_000 } = options;
  const bounds = { maxUnacknowledgedBytes, maxSubscribedNames };
  const xds = createXdsServer(backend, { clock, log: silentLogger, ...bounds });
  const endpoint = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
  const { port = 0 } = await server.listen(endpoint, { methods: xds.methods({ servesSecrets }) });
  return { port, clock, clients, streams, log };
}

const names = (response: { readonly resources: readonly { readonly name: string }[] }) =>
  response.resources.map(({ name }) => name).sort();

test("delta ADS serves a grpc-js client, which acknowledges, refuses and gets what changed", async (t) => {
  const set = createResourceSet([resource("cluster", "a"), resource("cluster", "b")]);
  const { port, clients, streams, log } = await start(t, set);
  const client = openDelta(t, port);
  client.send({ node, typeUrl: cds });
  const first = await client.next();
  assert.deepEqual([first.typeUrl, names(first)], [cds, ["a", "b"]]);
  assert.deepEqual(clients[0]?.node.metadata, { NAMESPACE: "default" });
  client.send({ typeUrl: cds, responseNonce: first.nonce });

  streams[0]?.publish(
    createResourceSet([resource("cluster", "a", { version: "2" }), resource("cluster", "c")]),
    [
      { type: "cluster", name: "a" },
      { type: "cluster", name: "b" },
      { type: "cluster", name: "c" },
    ],
  );
  const second = await client.next();
  assert.deepEqual([names(second), second.removedResources], [["a", "c"], ["b"]]);
  client.send({
    typeUrl: cds,
    responseNonce: second.nonce,
    errorDetail: { code: 13, message: "Error adding/updating cluster(s) a: no" },
  });
  client.send({ typeUrl: eds, resourceNamesSubscribe: ["missing"] });
  assert.deepEqual((await client.next()).removedResources, ["missing"]);
  assert.deepEqual(log, [
    `ack cluster ${first.nonce} a,b`,
    "nack cluster a,c Error adding/updating cluster(s) a: no",
  ]);
});

test("state-of-the-world ADS serves all clusters each time and only changed endpoints", async (t) => {
  const a = [resource("cluster", "a"), resource("endpoint", "a")];
  const b = [resource("cluster", "b"), resource("endpoint", "b")];
  const { port, streams } = await start(t, createResourceSet([...a, ...b]));
  const client = openStateOfTheWorld(t, port);
  client.send({ node, typeUrl: cds });
  const clusters = await client.next();
  assert.equal(clusters.resources.length, 2);
  client.send({ typeUrl: eds, resourceNames: ["a", "b"] });
  const endpoints = await client.next();
  assert.equal(endpoints.resources.length, 2);
  client.send({ typeUrl: cds, responseNonce: clusters.nonce, versionInfo: clusters.versionInfo });
  client.send({
    typeUrl: eds,
    responseNonce: endpoints.nonce,
    versionInfo: endpoints.versionInfo,
    resourceNames: ["a", "b"],
  });
  const changed = [...a, resource("cluster", "b"), resource("endpoint", "b", { version: "2" })];
  streams[0]?.publish(createResourceSet(changed), [{ type: "endpoint", name: "b" }]);
  const update = await client.next();
  assert.deepEqual([update.typeUrl, update.resources.length], [eds, 1]);
  streams[0]?.publish(createResourceSet(a), "all");
  const removal = await client.next();
  assert.deepEqual([removal.typeUrl, removal.resources.length], [cds, 1]);
});

test("state-of-the-world ADS ignores a request with a stale nonce", async (t) => {
  const { port } = await start(t, createResourceSet([resource("endpoint", "a"), resource("endpoint", "b")]));
  const client = openStateOfTheWorld(t, port);
  client.send({ node, typeUrl: eds, resourceNames: ["a"] });
  await client.next();
  client.send({ typeUrl: eds, resourceNames: ["b"], responseNonce: "stale" });
  client.send({ typeUrl: rds, resourceNames: ["r"] });
  assert.equal((await client.next()).typeUrl, rds);
});

test("a listener that serves no secrets answers that there are none", async (t) => {
  const set = createResourceSet([resource("secret", "default")]);
  const served = await start(t, set);
  const plaintext = await start(t, set, { servesSecrets: false });
  for (const [fixture, expected] of [
    [served, ["default"]],
    [plaintext, []],
  ] as const) {
    const client = openDelta(t, fixture.port);
    client.send({ node, typeUrl: sds, resourceNamesSubscribe: ["default"] });
    assert.deepEqual(names(await client.next()), expected);
    assert.equal(fixture.clients[0]?.servesSecrets, expected.length > 0);
  }
});

test("a route to a new cluster waits for its acknowledgement, and goes anyway after two seconds", async (t) => {
  const routed = (cluster: string) =>
    resource("route", "r", { version: cluster, needs: [{ type: "cluster", name: cluster }] });
  const { port, clock, streams } = await start(t, createResourceSet([resource("cluster", "a"), routed("a")]));
  const client = openDelta(t, port);
  client.send({ node, typeUrl: cds });
  client.send({ typeUrl: cds, responseNonce: (await client.next()).nonce });
  client.send({ typeUrl: rds, resourceNamesSubscribe: ["r"] });
  await client.next();
  streams[0]?.publish(createResourceSet([resource("cluster", "b"), routed("b")]), "all");
  const added = await client.next();
  assert.deepEqual([names(added), added.removedResources], [["b"], []]);
  clock.advance(1999);
  client.send({ typeUrl: eds, resourceNamesSubscribe: ["probe"] });
  assert.equal((await client.next()).typeUrl, eds);
  clock.advance(1);
  const late = await client.next();
  assert.deepEqual([late.typeUrl, late.resources[0]?.version], [rds, "b"]);
});

test("a client that doesn't acknowledge gets no more than the bound, and then all changes as one", async (t) => {
  const version = (n: number) =>
    createResourceSet([resource("cluster", "a", { version: String(n), bytes: 600 })]);
  const { port, streams } = await start(t, version(0), { maxUnacknowledgedBytes: 1000 });
  const client = openDelta(t, port);
  client.send({ node, typeUrl: cds });
  const first = await client.next();
  for (let n = 1; n <= 50; n += 1) streams[0]?.publish(version(n), [{ type: "cluster", name: "a" }]);
  const second = await client.next();
  assert.equal(second.resources[0]?.version, "1");
  client.send({ typeUrl: eds, resourceNamesSubscribe: ["probe"] });
  assert.equal((await client.next()).typeUrl, eds);
  client.send({ typeUrl: cds, responseNonce: first.nonce });
  const third = await client.next();
  assert.deepEqual([third.typeUrl, third.resources[0]?.version], [cds, "50"]);
});

test("VHDS is answered by alias, by a resource without a body, and never with nothing", async (t) => {
  const listed = createResourceSet([resource("virtual-host", "80/svc")]);
  const set: ResourceSet = {
    ...listed,
    names: () => [],
    lists: () => false,
    get: (type, name) => listed.get(type, name === "80/alias" ? "80/svc" : name),
  };
  const { port } = await start(t, set);
  const client = openDelta(t, port);
  client.send({ node, typeUrl: vhds });
  assert.equal((await client.next()).resources.length, 1);
  client.send({ typeUrl: vhds, resourceNamesSubscribe: ["80/alias", "80/none"] });
  const answer = await client.next();
  assert.deepEqual(
    answer.resources.map(({ name, aliases, resource: body }) => [name, aliases, body !== undefined]),
    [
      ["80/svc", ["80/alias"], true],
      ["80/none", ["80/none"], false],
    ],
  );
});

test("a stream whose first request names no node is ended with INVALID_ARGUMENT", async (t) => {
  const { port } = await start(t, createResourceSet([]));
  const client = openDelta(t, port);
  client.send({ typeUrl: cds });
  assert.equal((await client.status).code, 3);
});

test("a refused client is told the status, and one that is judged later loses no request", async (t) => {
  const refused = await start(t, createResourceSet([]), {
    open: () => ({ kind: "refused", status: "UNAUTHENTICATED", message: "No token" }),
  });
  const first = openDelta(t, refused.port);
  first.send({ node, typeUrl: cds });
  const { code, details } = await first.status;
  assert.deepEqual([code, details], [16, "No token"]);

  let admit: () => void = () => undefined;
  const set = createResourceSet([resource("cluster", "a"), resource("endpoint", "a")]);
  const judged = await start(t, set, {
    open: (accept) =>
      new Promise((resolve) => {
        admit = () => resolve(accept());
      }),
  });
  const second = openDelta(t, judged.port);
  second.send({ node, typeUrl: cds });
  second.send({ typeUrl: eds, resourceNamesSubscribe: ["a"] });
  while (judged.clients.length === 0) await new Promise((resolve) => setImmediate(resolve));
  admit();
  assert.deepEqual([(await second.next()).typeUrl, (await second.next()).typeUrl], [cds, eds]);
});

test("a type that isn't of Envoy goes to the generic hook, or is left unanswered", async (t) => {
  const answering = await start(t, createResourceSet([]), {
    conversation: {
      generic: ({ typeUrl, names: asked, responseNonce }) =>
        responseNonce === ""
          ? { version: "1", resources: [{ name: asked[0] ?? "", typeUrl, body: [Buffer.from(typeUrl)] }] }
          : undefined,
    },
  });
  const client = openStateOfTheWorld(t, answering.port);
  client.send({ node, typeUrl: "istio.io/debug", resourceNames: ["syncz"] });
  const answer = await client.next();
  assert.equal(Buffer.from(answer.resources[0]?.value ?? []).toString(), "istio.io/debug");

  const silent = await start(t, createResourceSet([]));
  const other = openDelta(t, silent.port);
  other.send({ node, typeUrl: "example.com/unknown" });
  other.send({ typeUrl: cds });
  assert.equal((await other.next()).typeUrl, cds);
});

test("a stream joins with its first request for a resource, and requests wait until it may", async (t) => {
  let admit: () => void = () => undefined;
  let joinCount = 0;
  const asked: string[] = [];
  const session: XdsSession = {
    initialSet: () => createResourceSet([resource("cluster", "a"), resource("endpoint", "a")]),
    clientKey: "a",
    asked: (type) => void asked.push(type),
    emptyResource: () => undefined,
    acknowledged: () => undefined,
    rejected: () => undefined,
  };
  const join = () => {
    joinCount += 1;
    return new Promise<XdsJoining>((resolve) => {
      admit = () => resolve({ kind: "joined", session });
    });
  };
  const generic = ({ typeUrl }: GenericRequest) => ({
    version: "1",
    resources: [{ name: "", typeUrl, body: [] }],
  });
  const { port } = await start(t, createResourceSet([]), { conversation: { join, generic } });
  const client = openDelta(t, port);
  client.send({ node, typeUrl: "istio.io/debug" });
  assert.equal((await client.next()).typeUrl, "istio.io/debug");
  assert.equal(joinCount, 0, "a debug type makes no proxy");
  client.send({ typeUrl: cds });
  client.send({ typeUrl: eds, resourceNamesSubscribe: ["a"] });
  while (joinCount === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(client.isQuiet());
  admit();
  assert.deepEqual([(await client.next()).typeUrl, (await client.next()).typeUrl], [cds, eds]);
  assert.deepEqual([joinCount, asked], [1, ["cluster", "endpoint"]]);
});

test("a client that may not join is told the status, and its stream closes once", async (t) => {
  const refusal = { kind: "refused", status: "PERMISSION_DENIED", message: "Not that pod" } as const;
  for (const join of [() => refusal, async () => refusal]) {
    const { port, log } = await start(t, createResourceSet([]), { conversation: { join } });
    const client = openDelta(t, port);
    client.send({ node, typeUrl: cds });
    const { code, details } = await client.status;
    assert.deepEqual([code, details], [7, "Not that pod"]);
    while (log.length === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(log, ["closed"]);
  }
});

test("a session hears once that its stream closed, and names are given back", async (t) => {
  const { port, streams, log } = await start(t, createResourceSet([resource("endpoint", "a")]));
  const client = openDelta(t, port);
  client.send({ node, typeUrl: eds, resourceNamesSubscribe: ["a"] });
  await client.next();
  streams[0]?.close("UNAVAILABLE", "moving");
  const { code, details } = await client.status;
  assert.deepEqual([code, details], [14, "moving"]);
  while (!log.includes("closed")) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(log.filter((line) => line === "closed").length, 1);
});

test("names subscribed on one stream are bounded over all types, for both variants of the protocol", async (t) => {
  const { port } = await start(t, createResourceSet([]), { maxSubscribedNames: 10 });
  const some = (prefix: string) => Array.from({ length: 6 }, (_, index) => `${prefix}-${index}`);
  const delta = openDelta(t, port);
  delta.send({ node, typeUrl: eds, resourceNamesSubscribe: some("a") });
  await delta.next();
  delta.send({ typeUrl: eds, resourceNamesUnsubscribe: some("a") });
  delta.send({ typeUrl: rds, resourceNamesSubscribe: some("b") });
  await delta.next();
  delta.send({ typeUrl: eds, resourceNamesSubscribe: some("c") });
  const stateOfTheWorld = openStateOfTheWorld(t, port);
  stateOfTheWorld.send({ node, typeUrl: eds, resourceNames: some("a") });
  await stateOfTheWorld.next();
  stateOfTheWorld.send({ typeUrl: rds, resourceNames: some("b") });
  for (const client of [delta, stateOfTheWorld]) {
    const { code, details } = await client.status;
    assert.equal(code, grpcJs.status.RESOURCE_EXHAUSTED);
    assert.equal(details, "Cannot hold 12 subscribed names on one stream: the limit is 10");
  }
});

test("names subscribed on one stream are bounded by their length too", async (t) => {
  const { port } = await start(t, createResourceSet([]), { maxSubscribedNames: 10 });
  const client = openDelta(t, port);
  client.send({ node, typeUrl: eds, resourceNamesSubscribe: ["n".repeat(2_000)] });
  const { code, details } = await client.status;
  assert.equal(code, grpcJs.status.RESOURCE_EXHAUSTED);
  assert.match(details, /names of 2000 characters on one stream: the limit is 1600/);
});

test("a request of a type that isn't known here is bounded as well", async (t) => {
  const { port } = await start(t, createResourceSet([]));
  const client = openStateOfTheWorld(t, port);
  client.send({ node, typeUrl: "istio.io/debug", resourceNames: Array.from({ length: 200_001 }, () => "x") });
  const { code, details } = await client.status;
  assert.equal(code, grpcJs.status.RESOURCE_EXHAUSTED);
  assert.equal(details, "Cannot take 200001 names: the limit is 200000");
});
