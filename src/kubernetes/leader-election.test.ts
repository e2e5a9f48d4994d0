import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { TestApiServer } from "../../tests/support/api-server.ts";
import { ManualClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import { createApiClient } from "./api-client.ts";
import { leaseResource, resourcePath } from "./api-resource.ts";
import { type LeaderElection, startLeaderElection } from "./leader-election.ts";

const LEASES = resourcePath(leaseResource);

async function startServer(t: TestContext): Promise<TestApiServer> {
  const server = new TestApiServer();
  await server.start();
  server.define(LEASES);
  t.after(() => server.stop());
  return server;
}

function stand(
  t: TestContext,
  server: TestApiServer,
  { identity, clock }: { identity: string; clock: ManualClock },
) {
  const client = createApiClient(server.endpoint(), { clock, userAgent: identity });
  const election = startLeaderElection({
    client,
    clock,
    random: () => 0.5,
    log: silentLogger,
    namespace: "meltemi-system",
    name: "meltemi-leader",
    identity,
  });
  t.after(async () => {
    client.close();
    await election.close();
  });
  return election;
}

async function until(isTrue: () => boolean, clocks: readonly ManualClock[], stepMs = 100): Promise<void> {
  for (const end = Date.now() + 10_000; !isTrue(); ) {
    if (Date.now() > end) throw new Error(`Never came true: ${isTrue}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
    for (const clock of clocks) clock.advance(stepMs);
  }
}

function holder(server: TestApiServer): unknown {
  const lease = server.find(LEASES, "meltemi-system", "meltemi-leader");
  return (lease?.spec as { readonly holderIdentity?: string } | undefined)?.holderIdentity;
}

const leaders = (candidates: readonly LeaderElection[]) =>
  candidates.filter(({ isLeader }) => isLeader).length;

test("startLeaderElection() makes one of two candidates the leader", async (t) => {
  const server = await startServer(t);
  const clock = new ManualClock(1_000_000);
  const candidates = [stand(t, server, { identity: "a", clock }), stand(t, server, { identity: "b", clock })];
  await until(() => leaders(candidates) === 1, [clock]);
  for (let step = 0; step < 300; step++) {
    await until(() => true, [clock]);
    clock.advance(100);
    await new Promise((resolve) => setTimeout(resolve, 1));
    assert.equal(leaders(candidates), 1);
  }
});

test("startLeaderElection() replaces a leader that died, and not before its lease is over", async (t) => {
  const server = await startServer(t);
  // The dead one's clock stands still: it renews no more.
  const [firstClock, secondClock] = [new ManualClock(1_000_000), new ManualClock(9_000_000)];
  const first = stand(t, server, { identity: "first", clock: firstClock });
  await until(() => first.isLeader, []);
  const second = stand(t, server, { identity: "second", clock: secondClock });
  const startMs = secondClock.now();
  await until(() => second.isLeader, [secondClock]);
  assert.ok(secondClock.now() - startMs >= 15_000, "waits for the lease");
  assert.equal(holder(server), "second");
});

test("startLeaderElection() steps down where it can't renew, before another may lead", async (t) => {
  const server = await startServer(t);
  const clock = new ManualClock(1_000_000);
  const election = stand(t, server, { identity: "a", clock });
  const seen: boolean[] = [];
  election.watch((isLeader) => seen.push(isLeader));
  await until(() => election.isLeader, [clock]);
  server.intercept = () => ({ status: 500 });
  const startMs = clock.now();
  await until(() => !election.isLeader, [clock]);
  assert.ok(clock.now() - startMs <= 10_000 + 100);
  server.intercept = () => undefined;
  await until(() => election.isLeader, [clock]);
  assert.deepEqual(seen, [false, true, false, true]);
});

test("close() gives the lease back, so that the next one needn't wait", async (t) => {
  const server = await startServer(t);
  const clock = new ManualClock(1_000_000);
  const first = stand(t, server, { identity: "first", clock });
  await until(() => first.isLeader, [clock]);
  const second = stand(t, server, { identity: "second", clock });
  await first.close();
  const startMs = clock.now();
  await until(() => second.isLeader, [clock]);
  assert.ok(clock.now() - startMs < 5_000);
});
