import assert from "node:assert/strict";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { AdsVariant } from "./envoy-process.ts";
import { findEnvoy, makeSocketDirectory, startEnvoy } from "./envoy-process.ts";
import type { TypedResource } from "./mesh-resources.ts";
import { badCluster, cluster, endpoints, listener, routes, undecodableCluster } from "./mesh-resources.ts";
import { type BackendEvent, RecordingBackend, serve } from "./recording-backend.ts";
import { ask, startLoad, startUpstream } from "./steady-load.ts";

const skip = findEnvoy() === undefined ? "no Envoy: set MELTEMI_ENVOY" : false;

/** An Envoy with the resources that `build` makes for its listener's path. */
async function start(
  t: TestContext,
  variant: AdsVariant,
  build: (listenerPath: string) => readonly TypedResource[],
) {
  const directory = makeSocketDirectory(t);
  const adsPath = join(directory, "xds.sock");
  const backend = new RecordingBackend(build(join(directory, "listener.sock")));
  await serve(t, backend, { kind: "unix", path: adsPath });
  const envoy = startEnvoy(t, { directory, adsPath, variant });
  await envoy.untilLive();
  return { envoy, backend };
}

const only = (kind: string, type?: string) => (event: { kind: string; type?: string }) =>
  event.kind === kind && (type === undefined || event.type === type);

for (const variant of ["DELTA_GRPC", "GRPC"] as const) {
  const name = (behaviour: string) => `xds server (${variant}) ${behaviour}`;

  test(name("warms a fresh Envoy up and traffic flows"), { skip }, async (t) => {
    const port = await startUpstream(t, "one");
    const { envoy, backend } = await start(t, variant, (path) => [
      cluster("a"),
      endpoints("a", port),
      listener("l", path, "r"),
      routes("r", "a"),
    ]);
    await backend.until("acknowledged a route", only("acknowledged", "route"));
    assert.deepEqual(await ask(envoy.listenerPath), { status: 200, body: "one" });
    assert.deepEqual(
      backend.events.filter(only("sent")).map((event) => event.kind === "sent" && event.type),
      ["cluster", "endpoint", "listener", "route"],
    );
    assert.equal(backend.events.filter(only("rejected")).length, 0);
  });

  test(name("has a changed EDS cluster acknowledged at once"), { skip }, async (t) => {
    const port = await startUpstream(t, "one");
    const { envoy, backend } = await start(t, variant, (path) => [
      cluster("a"),
      endpoints("a", port),
      listener("l", path, "r"),
      routes("r", "a"),
    ]);
    await backend.until("acknowledged a route", only("acknowledged", "route"));
    const from = backend.events.length;
    const startedMs = performance.now();
    const changed = cluster("a", { connectTimeoutMs: 700 });
    backend.publish([
      changed,
      endpoints("a", port),
      listener("l", envoy.listenerPath, "r"),
      routes("r", "a"),
    ]);
    await backend.untilAcknowledged(changed, from);
    // Without its endpoints the cluster would stay warming for 15 s.
    assert.ok(performance.now() - startedMs < 5_000);
    assert.deepEqual(
      backend.events.slice(from).flatMap((event) => (event.kind === "sent" ? [event.type] : [])),
      ["cluster", "endpoint"],
    );
  });

  test(name("answers an unknown RDS name, so that Envoy becomes LIVE"), { skip }, async (t) => {
    const { envoy } = await start(t, variant, (path) => [listener("l", path, "missing")]);
    assert.equal((await ask(envoy.listenerPath)).status, 404);
  });

  test(name("answers an Envoy for which there is nothing at all"), { skip }, async (t) => {
    const startedMs = performance.now();
    await start(t, variant, () => []);
    assert.ok(performance.now() - startedMs < 10_000);
  });

  test(name("records a NACK with its detail, and the other resources stay"), { skip }, async (t) => {
    const port = await startUpstream(t, "one");
    const { envoy, backend } = await start(t, variant, (path) => [
      cluster("a"),
      endpoints("a", port),
      listener("l", path, "r"),
      routes("r", "a"),
    ]);
    await backend.until("acknowledged a route", only("acknowledged", "route"));
    const good: readonly TypedResource[] = [
      cluster("a"),
      endpoints("a", port),
      listener("l", envoy.listenerPath, "r"),
      routes("r", "a"),
    ];
    backend.publish([...good, badCluster("bad")]);
    const rejected = await backend.until("rejected", only("rejected", "cluster"));
    assert.ok(rejected.kind === "rejected");
    assert.deepEqual(rejected.names, ["bad"]);
    assert.match(rejected.detail, /bad|eds/i);
    assert.equal((await ask(envoy.listenerPath)).status, 200);
    // The way on is open: what comes after the refusal is taken.
    const from = backend.events.length;
    const next = cluster("b");
    backend.publish([...good, next, endpoints("b", port)]);
    await backend.untilAcknowledged(next, from);
  });

  test(name("brings good clusters in that came with one that Envoy can't take in"), { skip }, async (t) => {
    const port = await startUpstream(t, "one");
    const { backend, envoy } = await start(t, variant, () => [cluster("a"), endpoints("a", port)]);
    const from = backend.events.length;
    const good = ["b", "c", "d"].flatMap((each) => [cluster(each), endpoints(each, port)]);
    backend.publish([cluster("a"), endpoints("a", port), ...good, undecodableCluster("bad")]);
    for (const each of ["b", "c", "d"]) await backend.untilAcknowledged(cluster(each), from);
    const isFound = (event: BackendEvent) => event.kind === "rejected" && event.names.length > 0;
    const found = await backend.until("found the bad one", isFound, from);
    assert.deepEqual(found.kind === "rejected" && found.names, ["bad"]);
    assert.match(await envoy.admin("/clusters"), /^d::/m);
  });

  test(name("offers a listener again when the one that held its address has gone"), { skip }, async (t) => {
    const { backend, envoy } = await start(t, variant, (path) => [listener("first", path, "r"), routes("r")]);
    const second = listener("second", envoy.listenerPath, "r");
    const from = backend.events.length;
    backend.publish([listener("first", envoy.listenerPath, "r"), second, routes("r")]);
    const refused = await backend.until("rejected", only("rejected", "listener"), from);
    assert.deepEqual(refused.kind === "rejected" && refused.names, ["second"]);
    backend.publish([second, routes("r")]);
    await backend.untilAcknowledged(second, from);
  });

  test(name("removes a cluster only after the route that used it was replaced"), { skip }, async (t) => {
    const port = await startUpstream(t, "one");
    const { envoy, backend } = await start(t, variant, (path) => [
      cluster("a"),
      endpoints("a", port),
      listener("l", path, "r"),
      routes("r", "a"),
    ]);
    await backend.until("acknowledged a route", only("acknowledged", "route"));
    const from = backend.events.length;
    const l = listener("l", envoy.listenerPath, "r");
    backend.publish([cluster("b"), endpoints("b", port), l, routes("r", "b")]);
    await backend.until("removed", (event) => event.kind === "sent" && event.removedCount > 0, from);
    const steps = backend.events.slice(from).flatMap((event) => {
      if (event.kind === "sent" && event.removedCount > 0) return ["remove"];
      return event.kind === "acknowledged" || event.kind === "sent" ? [`${event.kind} ${event.type}`] : [];
    });
    const order = ["sent cluster", "acknowledged cluster", "sent route", "acknowledged route", "remove"];
    assert.deepEqual(steps.filter((step) => order.includes(step)).slice(0, order.length), order);
  });

  test(name("sends nothing that the client has when it reconnects"), { skip }, async (t) => {
    const port = await startUpstream(t, "one");
    const { envoy, backend } = await start(t, variant, (path) => [
      cluster("a"),
      endpoints("a", port),
      listener("l", path, "r"),
      routes("r", "a"),
    ]);
    await backend.until("acknowledged a route", only("acknowledged", "route"));
    const from = backend.events.length;
    backend.disconnectAll();
    await backend.until("opened", only("opened"), from);
    // A change that comes last proves that all before it has been dealt with.
    const added = cluster("b");
    const l = listener("l", envoy.listenerPath, "r");
    await new Promise((resolve) => setTimeout(resolve, 300));
    backend.publish([cluster("a"), added, endpoints("a", port), endpoints("b", port), l, routes("r", "a")]);
    await backend.untilAcknowledged(added, from);
    const sent = backend.events
      .slice(from)
      .flatMap((event) => (event.kind === "sent" ? [`${event.type} ${event.resourceCount}`] : []));
    // State of the world: endpoints are always sent again, since a cluster may have been warming for them.
    const expected = variant === "GRPC" ? ["endpoint 1", "cluster 1"] : ["cluster 1"];
    assert.deepEqual(sent.slice(0, expected.length), expected);
  });

  test(name("has a cluster that changed while the stream was down acknowledged at once"), {
    skip,
  }, async (t) => {
    const port = await startUpstream(t, "one");
    const { envoy, backend } = await start(t, variant, (path) => [
      cluster("a"),
      endpoints("a", port),
      listener("l", path, "r"),
      routes("r", "a"),
    ]);
    await backend.until("acknowledged a route", only("acknowledged", "route"));
    const from = backend.events.length;
    const changed = cluster("a", { connectTimeoutMs: 700 });
    const added = cluster("b");
    backend.disconnectAll();
    backend.publish([
      changed,
      added,
      endpoints("a", port),
      endpoints("b", port),
      listener("l", envoy.listenerPath, "r"),
      routes("r", "b"),
    ]);
    const startedMs = performance.now();
    await backend.untilAcknowledged(changed, from);
    await backend.untilAcknowledged(routes("r", "b"), from);
    assert.ok(performance.now() - startedMs < 5_000, `took ${performance.now() - startedMs} ms`);
    assert.equal((await ask(envoy.listenerPath)).status, 200);
  });

  test(name("fails no request when the stream breaks again and again during changes"), {
    skip,
  }, async (t) => {
    const ports = [await startUpstream(t, "even"), await startUpstream(t, "odd")];
    const world = (path: string, turn: number): readonly TypedResource[] => [
      cluster(`c${turn}`),
      endpoints(`c${turn}`, ports[turn % 2] ?? 0),
      listener("l", path, "r"),
      routes("r", `c${turn}`),
    ];
    const { envoy, backend } = await start(t, variant, (path) => world(path, 0));
    await backend.untilAcknowledged(routes("r", "c0"));
    const load = startLoad(envoy.listenerPath, 4);
    for (let turn = 1; turn <= 6; turn += 1) {
      const from = backend.events.length;
      backend.publish(world(envoy.listenerPath, turn));
      backend.disconnectAll();
      await backend.untilAcknowledged(routes("r", `c${turn}`), from);
    }
    const { okCount, failures } = await load.stop();
    assert.deepEqual(failures, []);
    assert.ok(okCount > 50, `only ${okCount} requests`);
  });

  test(name("flips a route 100 times between clusters that come and go, and no request fails"), {
    skip,
  }, async (t) => {
    const ports = [await startUpstream(t, "even"), await startUpstream(t, "odd")];
    const world = (path: string, turn: number): readonly TypedResource[] => [
      cluster(`c${turn}`),
      endpoints(`c${turn}`, ports[turn % 2] ?? 0),
      listener("l", path, "r"),
      routes("r", `c${turn}`),
    ];
    const { envoy, backend } = await start(t, variant, (path) => world(path, 0));
    await backend.untilAcknowledged(routes("r", "c0"));
    const load = startLoad(envoy.listenerPath, 4);
    for (let turn = 1; turn <= 100; turn += 1) {
      const from = backend.events.length;
      backend.publish(world(envoy.listenerPath, turn));
      await backend.untilAcknowledged(routes("r", `c${turn}`), from);
      if (turn % 10 === 0) await load.more(8);
      if (turn % 10 === 0)
        assert.equal((await ask(envoy.listenerPath)).body, turn % 2 === 0 ? "even" : "odd");
    }
    const { okCount, failures } = await load.stop();
    assert.deepEqual(failures, []);
    assert.ok(okCount > 200, `only ${okCount} requests`);
    assert.equal(backend.events.filter(only("rejected")).length, 0);
  });
}
