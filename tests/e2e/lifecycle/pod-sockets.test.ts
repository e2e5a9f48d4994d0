// Each pod's Envoy reaches the control plane by a socket of its own, which says who it is: no certificate of another pod's
// is taken there, and no Envoy can reach another's.

import assert from "node:assert/strict";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { PodReport } from "../../../src/admin/contract/supervisor.ts";
import { eventually } from "../mesh/eventually.ts";
import type { RunningMesh } from "../mesh/running-mesh.ts";
import { skipWithoutMesh as skip, startMesh } from "../mesh/running-mesh.ts";
import { killInside, machinePid, pidOf } from "./mesh-processes.ts";
import { credentialsOf, pathInMesh, podDirectory, speak } from "./pod-sockets.ts";

const PROXY_UID = 1_337;
const passerBy = `
apiVersion: v1
kind: Pod
metadata: { name: passer-by, namespace: test }
spec:
  terminationGracePeriodSeconds: 1
  containers: [{ name: app, image: none, command: [sleep, infinity] }]
`;

let mesh: RunningMesh;

before(
  async () => {
    if (skip === false) mesh = await startMesh({ files: { "passer-by.yaml": passerBy } });
  },
  { timeout: 120_000 },
);
after(() => mesh?.close());

async function onlyPod(workload: string): Promise<PodReport> {
  const [pod] = await mesh.pods(workload);
  assert(pod !== undefined);
  return pod;
}

async function rightsOf(path: string) {
  const { mode, uid } = await stat(path);
  return [(mode & 0o777).toString(8), uid];
}

test("an Envoy has its own pod's sockets alone, open to nobody but the proxy's user", { skip }, async () => {
  for (const workload of ["client", "echo-v1", "echo-v2"]) {
    const pod = await onlyPod(workload);
    const envoy = pod.containers.find(({ name }) => name === "istio-proxy")?.pid ?? 0;
    assert.deepEqual(await readdir(`/proc/${await machinePid(mesh, envoy)}/root/run/meltemi`), [pod.ip]);
    const directory = await podDirectory(mesh, pod);
    assert.deepEqual(await rightsOf(directory), ["700", PROXY_UID]);
    assert.deepEqual(await rightsOf(join(directory, "xds.sock")), ["600", PROXY_UID]);
  }
  const shared = await pathInMesh(mesh, "/run/meltemi/control-plane/xds.sock");
  assert.deepEqual(await rightsOf(shared), ["600", 0]);
});

test("on a pod's socket no other pod's certificate is taken, even of its ServiceAccount", {
  skip,
}, async (t) => {
  const [one, two] = await Promise.all([onlyPod("echo-v1"), onlyPod("echo-v2")]);
  const credentials = await credentialsOf(t, mesh, one);
  const refusal = /certificate isn't of the pod "test\/echo-v2-[^"]*", whose socket this is/;
  assert.match(await speak(t, mesh, { on: two, as: two, credentials }), refusal);
  assert.match(await speak(t, mesh, { on: two, as: one, credentials }), refusal);
  assert.match(await speak(t, mesh, { on: one, as: two, credentials }), /is of the pod "echo-v1-/);
  assert.equal(await speak(t, mesh, { on: one, as: one, credentials }), "answered");
});

test("who connects while the control plane is away is served by the next one, as the same pod", {
  skip,
}, async (t) => {
  const [one, two] = await Promise.all([onlyPod("echo-v1"), onlyPod("echo-v2")]);
  const credentials = await credentialsOf(t, mesh, one);
  const pid = await pidOf(mesh, "control plane");
  await killInside(mesh, pid);
  const latest = () => pidOf(mesh, "control plane").catch(() => undefined);
  await eventually(async () => assert.notEqual(await latest(), pid));
  const answers = await Promise.all([
    speak(t, mesh, { on: one, as: one, credentials }),
    speak(t, mesh, { on: two, as: two, credentials }),
  ]);
  assert.equal(answers[0], "answered");
  assert.match(answers[1] ?? "", /certificate isn't of the pod "test\/echo-v2-/);
});

test("a pod's socket goes with it", { skip }, async () => {
  const path = join(await podDirectory(mesh, await onlyPod("passer-by")), "xds.sock");
  await stat(path);
  await mesh.remove("passer-by.yaml");
  await eventually(async () => assert.rejects(stat(path), { code: "ENOENT" }));
});
