import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../core/clock.ts";
import { SidecarContainer } from "./sidecar-container.ts";

const container = {
  name: "istio-proxy",
  readinessProbe: {
    httpGet: { path: "/healthz/ready", port: 15021 },
    periodSeconds: 15,
    failureThreshold: 4,
  },
} as const;

/** A proxy that serves as soon as it is started; whether its probe passes then is a switch. */
async function startProxy() {
  const clock = new ManualClock();
  const proxy = { isHealthy: true, said: [] as string[], askedCount: 0 };
  const sidecar = new SidecarContainer(container, {
    signal: new AbortController().signal,
    clock,
    inTurn: (work) => work(),
    start: async () => ({
      adminSocketPath: "",
      taps: { open: () => undefined },
      pid: 1,
      restartCount: 0,
      ready: async () => undefined,
      probe: async () => ({ isSuccess: true, message: "" }),
      commandOptions: (argv: readonly string[]) => ({ argv, env: {}, uid: 0, gid: 0 }),
      drain: async () => undefined,
      close: async () => undefined,
    }),
    ask: async () => {
      proxy.askedCount += 1;
      return { isSuccess: proxy.isHealthy, message: "connection refused" };
    },
    say: (text) => proxy.said.push(text),
    onChange: () => undefined,
    onFailure: assert.ifError,
  });
  const advance = async (byMs: number) => {
    for (let passedMs = 0; passedMs < byMs; passedMs += 500) {
      clock.advance(500);
      await new Promise(setImmediate);
    }
  };
  await sidecar.start();
  return { sidecar, proxy, advance };
}

test("SidecarContainer isn't ready while its proxy's readiness probe fails", async () => {
  const { sidecar, proxy, advance } = await startProxy();
  assert.equal(sidecar.snapshot.isReady, true);
  await advance(1_000);
  proxy.isHealthy = false;
  await advance(40_000);
  assert.equal(sidecar.snapshot.isReady, true, "four failures are wanted");
  await advance(21_000);
  assert.equal(sidecar.snapshot.isReady, false);
  assert.deepEqual(proxy.said, ["readiness probe failed: connection refused"]);
  proxy.isHealthy = true;
  await advance(15_500);
  assert.equal(sidecar.snapshot.isReady, true);
});

test("SidecarContainer is ready again when an Envoy that failed its probe was restarted", async () => {
  const { sidecar, proxy, advance } = await startProxy();
  await advance(1_000);
  proxy.isHealthy = false;
  await advance(61_000);
  assert.equal(sidecar.snapshot.isReady, false);
  proxy.isHealthy = true;
  sidecar.goneDown();
  await sidecar.ready();
  assert.equal(sidecar.snapshot.isReady, true);
});

test("SidecarContainer asks no probe after its end", async () => {
  const { sidecar, proxy, advance } = await startProxy();
  await advance(1_000);
  await sidecar.stop(true);
  const { askedCount } = proxy;
  await advance(60_000);
  assert.equal(proxy.askedCount, askedCount);
  assert.equal(sidecar.snapshot.isReady, false);
});
