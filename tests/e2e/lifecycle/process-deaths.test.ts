// Issue 3, item 4: what is killed is started again, and no request fails whose path avoids it. Certificates and
// addresses stay, and a control plane that comes back sends nothing that didn't change.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import type { PodReport } from "../../../src/admin/contract/supervisor.ts";
import { weightedRoutes } from "../mesh/echo-routes.ts";
import { eventually } from "../mesh/eventually.ts";
import type { Load, PodClient } from "../mesh/pod-client.ts";
import type { RunningMesh } from "../mesh/running-mesh.ts";
import { skipWithoutMesh as skip, startMesh } from "../mesh/running-mesh.ts";
import { killInside, pidOf } from "./mesh-processes.ts";
import { proxyCertificate, proxyConfig, proxyCounters } from "./proxy-state.ts";

const WORKLOADS = ["client", "client-two", "echo-v1", "echo-v2"];

let mesh: RunningMesh;
let client: PodClient;

before(
  async () => {
    if (skip !== false) return;
    const files = { "route.yaml": weightedRoutes({ v1: 100 }, { edit: "first" }) };
    mesh = await startMesh({ manifests: ["second-client.yaml"], files });
    client = await mesh.client("client");
  },
  { timeout: 120_000 },
);
after(() => mesh?.close());

/** Constant load from two workloads, all of which goes to v1; `failures` of it must stay empty. */
async function loadOnVersionOne(): Promise<readonly Load[]> {
  const callers = [client, await mesh.client("client-two")];
  const loads = await Promise.all(
    callers.map((each) => each.load({ url: "http://echo/", connections: 3, pauseMs: 5 })),
  );
  await eventually(async () => assert((await total(loads)) > 50));
  return loads;
}

async function total(loads: readonly Load[]): Promise<number> {
  return (await Promise.all(loads.map((load) => load.tally()))).reduce((sum, each) => sum + each.total, 0);
}

/** Ends the load a while later: what a death breaks may break behind it. */
async function assertNothingFailed(loads: readonly Load[]): Promise<void> {
  const atRevival = await total(loads);
  await eventually(async () => {
    const now = await total(loads);
    assert(
      now > atRevival + 100,
      `${now - atRevival} requests since; ${JSON.stringify(await loads[0]?.tally())}`,
    );
  });
  for (const load of loads) {
    const { failures, byStatus, byVersion } = await load.stop();
    assert.deepEqual(failures, []);
    assert.deepEqual(Object.keys(byStatus), ["200"]);
    assert.deepEqual(Object.keys(byVersion), ["v1"]);
  }
}

async function onlyPod(workload: string): Promise<PodReport> {
  const [pod] = await mesh.pods(workload);
  assert(pod !== undefined);
  return pod;
}

async function containerOf(workload: string, name: string) {
  const container = (await onlyPod(workload)).containers.find((each) => each.name === name);
  assert(container !== undefined);
  return container;
}

/** What outlives every process: addresses, and who the workloads are. */
async function standing() {
  const pods = await Promise.all(WORKLOADS.map(onlyPod));
  return {
    ips: pods.map(({ name, ip }) => [name, ip]),
    certificates: await Promise.all(WORKLOADS.map((workload) => proxyCertificate(mesh, workload))),
    vips: await resolvedByClient("echo.test.svc.cluster.local"),
  };
}

async function resolvedByClient(name: string): Promise<string> {
  const [program, ...args] = await mesh.exec("client", ["getent", "ahostsv4", name]);
  return (await promisify(execFile)(program, args)).stdout;
}

/** Kills a container's process, and waits until the container is ready again in the same pod. */
async function killContainer(workload: string, name: string): Promise<void> {
  const { pid, restartCount } = await containerOf(workload, name);
  assert(pid !== undefined);
  await killInside(mesh, pid);
  await eventually(async () => {
    const now = await containerOf(workload, name);
    assert.equal(now.restartCount, restartCount + 1);
    assert(now.isReady && now.pid !== pid, JSON.stringify(now));
  });
}

test("an app that is killed is started again, and requests past it don't fail", { skip }, async () => {
  const before = await standing();
  const loads = await loadOnVersionOne();
  await killContainer("echo-v2", "echo");
  await assertNothingFailed(loads);
  assert.deepEqual(await standing(), before);
});

test("an Envoy that is killed is started again with its certificate, and requests past it don't fail", {
  skip,
}, async () => {
  const before = await standing();
  const loads = await loadOnVersionOne();
  await killContainer("echo-v2", "istio-proxy");
  await assertNothingFailed(loads);
  assert.deepEqual(await standing(), before);
  await mesh.save("route.yaml", weightedRoutes({ v2: 100 }, { edit: "to v2" }));
  await eventually(async () => {
    const { status, headers } = await client.request("http://echo/");
    assert.deepEqual({ status, edit: headers["x-edit"] }, { status: 200, edit: "to v2" });
  });
  await mesh.save("route.yaml", weightedRoutes({ v1: 100 }, { edit: "first" }));
  await eventually(async () =>
    assert.equal((await client.request("http://echo/")).headers["x-edit"], "first"),
  );
});

test("a control plane that is killed comes back, and sends nothing to any proxy", { skip }, async () => {
  await mesh.waitUntilInStep();
  const stateOf = async (workload: string) => ({
    counters: await proxyCounters(mesh, workload),
    config: await proxyConfig(mesh, workload),
  });
  const [authority, before, standingBefore] = await Promise.all([
    rootCertificate(),
    Promise.all(WORKLOADS.map(stateOf)),
    standing(),
  ]);
  const loads = await loadOnVersionOne();
  const connected = (await mesh.proxies()).length;
  const pid = await pidOf(mesh, "control plane");
  await killInside(mesh, pid);
  await eventually(async () => {
    assert.notEqual(await pidOf(mesh, "control plane"), pid);
    assert.equal((await mesh.proxies()).length, connected, "every proxy has come back");
  });
  await assertNothingFailed(loads);
  for (const [index, workload] of WORKLOADS.entries()) {
    const now = await stateOf(workload);
    assert(Object.keys(now.counters).length > 10, "there are counters");
    assert.deepEqual(now.counters, before[index]?.counters, workload);
    assert(Object.keys(now.config).length > 10, "there is configuration");
    assert.deepEqual(now.config, before[index]?.config, workload);
  }
  assert.deepEqual(await standing(), standingBefore);
  assert.equal(await rootCertificate(), authority);
});

test("a control plane that came back follows edits", { skip }, async () => {
  await mesh.save("route.yaml", weightedRoutes({ v2: 100 }, { edit: "after the death" }));
  await eventually(async () => {
    const { headers } = await client.request("http://echo/");
    assert.equal(headers["x-edit"], "after the death");
    assert.equal(headers["x-version"], "v2");
  });
  await mesh.waitUntilInStep();
});

function rootCertificate(): Promise<string> {
  return readFile(join(mesh.stateDirectory, "ca/root-cert.pem"), "utf8");
}
