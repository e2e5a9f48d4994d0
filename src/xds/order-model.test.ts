import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { deltaProtocol } from "./delta-protocol.ts";
import type { SentToModel } from "./envoy-model.ts";
import { EnvoyModel } from "./envoy-model.ts";
import { InternedNames } from "./name-set.ts";
import { StreamOrder } from "./order.ts";
import type { Resource, ResourceReference, ResourceSet } from "./resource.ts";
import { createResourceSet } from "./resource.ts";
import type { ResourceType } from "./resource-type.ts";

type TypedResource = readonly [ResourceType, Resource];

const CLUSTER_WAIT_MS = 2000;
const RUN_COUNT = 1_000;

function resource(name: string, version: string, needs: readonly ResourceReference[] = []): Resource {
  return { name, version, body: [], needs };
}

/** What a backend may publish: routes lead to clusters of the same set, listeners to routes of the same set. */
interface World {
  /** Version of each of six clusters; 0: absent. */
  readonly clusters: readonly number[];
  readonly endpoints: readonly number[];
  readonly listenerVersion: number;
  /** For each of three routes the clusters it leads to, taken modulo those there are; and whether its listener is there. */
  readonly routes: readonly { readonly clusters: readonly number[]; readonly hasListener: boolean }[];
}

function buildSet(world: World): ResourceSet {
  const resources: TypedResource[] = [];
  const present = world.clusters.flatMap((version, index) => (version === 0 ? [] : [`c${index}`]));
  for (const name of present) {
    const index = Number(name.slice(1));
    resources.push(["cluster", resource(name, `v${world.clusters[index]}`, [{ type: "endpoint", name }])]);
    const endpoints = world.endpoints[index] ?? 0;
    if (endpoints > 0) resources.push(["endpoint", resource(name, `v${endpoints}`)]);
  }
  for (const [index, route] of world.routes.entries()) {
    const clusters =
      present.length === 0 ? [] : [...new Set(route.clusters.map((n) => present[n % present.length] ?? ""))];
    const needs = clusters.map((name) => ({ type: "cluster", name }) as const);
    if (!route.hasListener) continue;
    resources.push([
      "route",
      resource(`r${index}`, `v${world.listenerVersion}-${clusters.join("-")}`, needs),
    ]);
    resources.push([
      "listener",
      resource(`l${index}`, `v${world.listenerVersion}`, [{ type: "route", name: `r${index}` }]),
    ]);
  }
  return createResourceSet(resources);
}

const worldsWith = (hasListener: fc.Arbitrary<boolean>): fc.Arbitrary<World> =>
  fc.record({
    clusters: fc.array(fc.nat(3), { minLength: 6, maxLength: 6 }),
    listenerVersion: fc.integer({ min: 1, max: 3 }),
    endpoints: fc.array(fc.nat(3), { minLength: 6, maxLength: 6 }),
    routes: fc.array(
      fc.record({
        clusters: fc.array(fc.nat(5), { maxLength: 3 }),
        hasListener,
      }),
      { minLength: 3, maxLength: 3 },
    ),
  });

type Step =
  | { readonly kind: "publish"; readonly world: World }
  | { readonly kind: "to-client"; readonly isRefused: boolean }
  | { readonly kind: "to-server" }
  | { readonly kind: "reconnect" };

const deliveries: fc.Arbitrary<Step>[] = [
  fc.constant({ kind: "to-client", isRefused: false }),
  fc.constant({ kind: "to-server" }),
];
const worlds = worldsWith(fc.boolean());
const publish = (world: World): Step => ({ kind: "publish", world });
const publishing: fc.Arbitrary<Step> = worlds.map(publish);
const refusing: fc.Arbitrary<Step> = fc.constant({ kind: "to-client", isRefused: true });

class Simulation {
  readonly model = new EnvoyModel();
  readonly #table = new Map<ResourceType, InternedNames>();
  #order: StreamOrder;
  #responses: SentToModel[] = [];
  #nonceCount = 0;
  #nowMs = 0;
  responseCount = 0;

  constructor(set: ResourceSet) {
    this.#order = this.#createOrder(set);
  }

  run(step: Step): void {
    if (step.kind === "publish") this.publish(buildSet(step.world));
    else if (step.kind === "to-client") this.#toClient(step.isRefused);
    else if (step.kind === "to-server") this.#toServer();
    else this.#reconnect();
  }

  publish(set: ResourceSet): void {
    this.#order.publish(set, "all");
    this.#flush();
  }

  /** Delivers all that is on its way, until neither side has anything to say. */
  settle(): void {
    for (let round = 0; round < 5000; round += 1) {
      if (this.model.requests.length > 0) this.#toServer();
      else if (this.#responses.length > 0) this.#toClient(false);
      else return;
    }
    throw new Error("The two never come to rest");
  }

  pass(ms: number): void {
    this.#nowMs += ms;
    this.#flush();
  }

  #createOrder(set: ResourceSet, wasInterrupted = false): StreamOrder {
    return new StreamOrder(set, {
      internedNames: (type) => {
        const table = this.#table.get(type) ?? new InternedNames();
        this.#table.set(type, table);
        return table;
      },
      emptyResource: (_type, name) => resource(name, "empty"),
      clusterWaitMs: CLUSTER_WAIT_MS,
      maxUnacknowledgedBytes: 3,
      canRemoveByName: true,
      wasInterrupted,
    });
  }

  #reconnect(): void {
    const { set } = this.#order;
    const wasInterrupted = this.#order.mayBeWarming();
    this.#order.close();
    this.#order = this.#createOrder(set, wasInterrupted);
    this.#responses = [];
    this.model.reconnect();
  }

  #toClient(isRefused: boolean): void {
    const response = this.#responses.shift();
    if (response !== undefined) this.model.receive(response, isRefused);
  }

  #toServer(): void {
    const request = this.model.requests.shift();
    if (request === undefined) return;
    const { type, responseNonce, errorDetail } = request;
    const isFirst = this.#order.subscriptionOf(type) === undefined;
    this.#order.recordVerdict(type, responseNonce, { errorDetail, isCumulative: false });
    deltaProtocol.subscribe(
      this.#order,
      { ...request, typeUrl: "", node: undefined },
      { type, isFirst, lastNonce: undefined, nowMs: this.#nowMs },
    );
    this.#flush();
  }

  #flush(): void {
    const round: SentToModel[] = [];
    for (let next = this.#order.next(this.#nowMs); next !== undefined; next = this.#order.next(this.#nowMs)) {
      this.#nonceCount += 1;
      const nonce = String(this.#nonceCount);
      this.#order.recordSent(next, nonce).bytes = 1;
      round.push({ ...next, nonce });
    }
    this.#checkEndpointsFollow(round);
    this.#responses.push(...round);
    this.responseCount += round.length;
  }

  /** Each cluster that is sent is followed at once by its endpoints, if the client has asked for them. */
  #checkEndpointsFollow(round: readonly SentToModel[]): void {
    const subscribed = this.#order.subscriptionOf("endpoint")?.names;
    for (const [index, response] of round.entries()) {
      if (response.type !== "cluster" || subscribed === undefined) continue;
      const needed = response.resources
        .flatMap((item) => item.resource?.needs ?? [])
        .filter((need) => subscribed.has(need.name));
      if (needed.length === 0) continue;
      const next = round[index + 1];
      const answered = new Set([
        ...(next?.resources ?? []).map((item) => item.name),
        ...(next?.removed ?? []),
      ]);
      assert.equal(next?.type, "endpoint");
      for (const { name } of needed)
        assert.ok(answered.has(name), `cluster ${name} isn't followed by its endpoints`);
    }
  }
}

/** The client holds what the set lists, and nothing else. */
function checkInStep(model: EnvoyModel, set: ResourceSet): void {
  const pairs = [
    ["cluster", model.clusters],
    ["listener", model.listeners],
  ] as const;
  for (const [type, held] of pairs) {
    const wanted = [...set.names(type)].map((name) => [name, set.get(type, name)?.version]);
    assert.deepEqual([...held].map(([name, { version }]) => [name, version]).sort(), wanted.sort(), type);
  }
  for (const [name, { version }] of model.routes)
    assert.equal(version, set.get("route", name)?.version ?? "empty");
  for (const [name] of model.clusters) {
    assert.equal(
      model.endpoints.get(name)?.version,
      set.get("endpoint", name)?.version,
      `endpoints of ${name}`,
    );
  }
}

/** Two last changes after which everything differs from whatever was refused. */
const lastWorlds: readonly World[] = [9, 8].map((version) => ({
  clusters: [version, 0, version, 0, version, 0],
  listenerVersion: version,
  endpoints: [version, 0, version, 0, 0, 0],
  routes: [
    { clusters: [version, 1], hasListener: true },
    { clusters: [version % 2], hasListener: version === 8 },
    { clusters: [], hasListener: true },
  ],
}));

function runScript(first: World, script: readonly Step[]): Simulation {
  const simulation = new Simulation(buildSet(first));
  for (const step of script) simulation.run(step);
  simulation.settle();
  return simulation;
}

test("StreamOrder never routes to a cluster that isn't warm nor removes one in use, and the client ends in step", () => {
  let routeUpdateCount = 0;
  let responseCount = 0;
  const steps = fc.array(fc.oneof(publishing, ...deliveries, ...deliveries, ...deliveries), {
    maxLength: 80,
  });
  fc.assert(
    fc.property(worlds, steps, (first, script) => {
      const simulation = runScript(first, script);
      for (const world of lastWorlds) {
        const set = buildSet(world);
        simulation.publish(set);
        simulation.settle();
        checkInStep(simulation.model, set);
        const before = simulation.responseCount;
        simulation.publish(buildSet(world));
        simulation.pass(10 * CLUSTER_WAIT_MS);
        assert.equal(simulation.responseCount, before, "an equal set must send nothing");
      }
      routeUpdateCount += simulation.model.routeUpdateCount;
      responseCount += simulation.responseCount;
    }),
    { numRuns: RUN_COUNT },
  );
  assert.ok(
    routeUpdateCount > 2 * RUN_COUNT && responseCount > 5 * RUN_COUNT,
    `${routeUpdateCount} routes, ${responseCount} responses`,
  );
});

test("StreamOrder keeps the order under refusals and the clusters of a refused route's predecessor", () => {
  let refusedCount = 0;
  // Listeners stay: a client that unsubscribes and refuses at once leaves too little on the wire to tell what it has.
  const steadyWorlds = worldsWith(fc.constant(true));
  const steps = fc.array(fc.oneof(steadyWorlds.map(publish), ...deliveries, ...deliveries, refusing), {
    maxLength: 80,
    size: "max",
  });
  fc.assert(
    fc.property(steadyWorlds, steps, (first, script) => {
      const simulation = runScript(first, script);
      refusedCount += simulation.model.refusedClusters.size;
      for (const world of lastWorlds) {
        simulation.publish(buildSet(world));
        simulation.settle();
      }
      checkInStep(simulation.model, buildSet(lastWorlds[1] as World));
    }),
    { numRuns: RUN_COUNT },
  );
  assert.ok(refusedCount > 0.3 * RUN_COUNT, `only ${refusedCount} clusters were refused`);
});

test("StreamOrder brings a client that reconnects at any time in step", () => {
  let reconnectCount = 0;
  const reconnecting: fc.Arbitrary<Step> = fc.constant({ kind: "reconnect" });
  const steps = fc.array(fc.oneof(publishing, ...deliveries, ...deliveries, reconnecting), {
    maxLength: 60,
    size: "max",
  });
  fc.assert(
    fc.property(worlds, steps, (first, script) => {
      const simulation = runScript(first, script);
      reconnectCount += script.filter((step) => step.kind === "reconnect").length;
      for (const world of lastWorlds) {
        simulation.publish(buildSet(world));
        simulation.settle();
        simulation.pass(CLUSTER_WAIT_MS);
        simulation.settle();
      }
      checkInStep(simulation.model, buildSet(lastWorlds[1] as World));
    }),
    { numRuns: RUN_COUNT },
  );
  assert.ok(reconnectCount > 0.5 * RUN_COUNT, `only ${reconnectCount} reconnects`);
});
