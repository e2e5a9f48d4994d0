// What the greatest age of a connection costs an Envoy: a reconnect, and nothing else.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { findEnvoy, makeSocketDirectory, startEnvoy } from "./envoy-process.ts";
import { cluster, endpoints, listener, routes } from "./mesh-resources.ts";
import { type BackendEvent, RecordingBackend, serve } from "./recording-backend.ts";
import { ask, startLoad, startUpstream } from "./steady-load.ts";

const skip = findEnvoy() === undefined ? "no Envoy: set MELTEMI_ENVOY" : false;
const AGE = { maxConnectionAgeMs: 1_500, maxConnectionAgeGraceMs: 300 };
const RECONNECTS = 3;

const isOpened = ({ kind }: BackendEvent) => kind === "opened";

for (const variant of ["DELTA_GRPC", "GRPC"] as const) {
  test(`an Envoy (${variant}) whose connections end by age misses no change, fails no request and is sent nothing twice`, {
    skip,
  }, async (t) => {
    const ports = [await startUpstream(t, "even"), await startUpstream(t, "odd")];
    const directory = makeSocketDirectory(t);
    const adsPath = join(directory, "xds.sock");
    const world = (path: string, turn: number) => [
      cluster("a", { connectTimeoutMs: 500 + turn }),
      endpoints("a", ports[turn % 2] ?? 0),
      listener("l", path, "r"),
      routes("r", "a"),
    ];
    const backend = new RecordingBackend(world(join(directory, "listener.sock"), 0));
    await serve(t, backend, { kind: "unix", path: adsPath }, AGE);
    const envoy = startEnvoy(t, { directory, adsPath, variant });
    await envoy.untilLive();
    const load = startLoad(envoy.listenerPath, 2);

    let turn = 0;
    while (backend.events.filter(isOpened).length <= RECONNECTS) {
      turn += 1;
      backend.publish(world(envoy.listenerPath, turn));
      await sleep(100);
    }
    assert.ok(turn > RECONNECTS);
    const newest = turn % 2 === 0 ? "even" : "odd";
    while ((await ask(envoy.listenerPath)).body !== newest) await sleep(20);

    // The stream that is open now may still be answered; of the next one nothing is new.
    const quiet = backend.events.length;
    await backend.until("opened", isOpened, quiet);
    const reopened = backend.events.findIndex((event, index) => index >= quiet && isOpened(event));
    await backend.until("opened", isOpened, reopened + 1);
    const sent = backend.events
      .slice(reopened)
      .flatMap((event) => (event.kind === "sent" ? [event.type] : []));
    // State of the world: endpoints are always sent again, since a cluster may have been warming for them.
    assert.deepEqual(
      sent.filter((type) => variant === "DELTA_GRPC" || type !== "endpoint"),
      [],
    );
    const { okCount, failures } = await load.stop();
    assert.deepEqual(failures, []);
    assert.ok(okCount > 50, `only ${okCount} requests`);
  });
}
