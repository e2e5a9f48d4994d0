// Policies by ECDS: an Envoy isn't live without them, takes each edit without closing a connection, and keeps the last
// good one of what it refuses, also through later changes of the listener.

import assert from "node:assert/strict";
import { Agent } from "node:http";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { eventually } from "../e2e/mesh/eventually.ts";
import { findEnvoy, makeSocketDirectory, startEnvoy } from "./envoy-process.ts";
import { cluster, endpoints, listener, policy, routes, type TypedResource } from "./mesh-resources.ts";
import { type BackendEvent, RecordingBackend, serve } from "./recording-backend.ts";
import { ask, startUpstream } from "./steady-load.ts";

const skip = findEnvoy() === undefined ? "no Envoy: set MELTEMI_ENVOY" : false;

async function start(t: TestContext, policies: readonly TypedResource[]) {
  const port = await startUpstream(t, "one");
  const directory = makeSocketDirectory(t);
  const [adsPath, listenerPath] = [join(directory, "xds.sock"), join(directory, "listener.sock")];
  const mesh = (does: readonly TypedResource[], statPrefix = "l") => [
    cluster("a"),
    endpoints("a", port),
    ...does,
    listener("l", listenerPath, "r", { policy: "policy", statPrefix }),
    routes("r", "a"),
  ];
  const backend = new RecordingBackend(mesh(policies));
  await serve(t, backend, { kind: "unix", path: adsPath });
  const envoy = startEnvoy(t, { directory, adsPath, variant: "DELTA_GRPC" });
  const publish = (...args: Parameters<typeof mesh>) => backend.publish(mesh(...args));
  return { envoy, backend, listenerPath, publish };
}

const about = (kind: BackendEvent["kind"], type: string) => (event: BackendEvent) =>
  event.kind === kind && "type" in event && event.type === type;

test("an edit of a policy holds for the next request of an open connection, and closes none", {
  skip,
}, async (t) => {
  const { envoy, listenerPath, publish } = await start(t, [policy("policy", "allow")]);
  await envoy.untilLive();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  let closedCount = 0;
  agent.on("free", (socket) => {
    if (socket.listenerCount("close") < 10) socket.once("close", () => (closedCount += 1));
  });
  assert.equal((await ask(listenerPath, { agent })).status, 200);
  for (const [does, status] of [
    ["deny", 403],
    ["allow", 200],
    ["deny", 403],
  ] as const) {
    publish([policy("policy", does)]);
    await eventually(async () => assert.equal((await ask(listenerPath, { agent })).status, status));
  }
  assert.equal(closedCount, 0);
});

test("a refused policy leaves the last good one, and later listeners are taken", { skip }, async (t) => {
  const { envoy, backend, listenerPath, publish } = await start(t, [policy("policy", "deny")]);
  await envoy.untilLive();
  assert.equal((await ask(listenerPath)).status, 403);
  publish([policy("policy", "bad")]);
  await backend.until("rejected a policy", about("rejected", "extension-config"));
  const from = backend.events.length;
  publish([policy("policy", "bad")], "changed");
  const verdict = await backend.until(
    "answered the listener",
    (event) => about("acknowledged", "listener")(event) || about("rejected", "listener")(event),
    from,
  );
  assert.equal(verdict.kind, "acknowledged");
  assert.equal((await ask(listenerPath)).status, 403);
  publish([policy("policy", "allow")], "changed");
  await eventually(async () => assert.equal((await ask(listenerPath)).status, 200));
});
