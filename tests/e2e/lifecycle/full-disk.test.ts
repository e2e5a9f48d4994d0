// The disk that holds a mesh's state fills up while the mesh runs: what can't be written is a Problem of the pod that it is
// for, all else goes on, and with room again it is made up for.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { weightedRoutes } from "../mesh/echo-routes.ts";
import { eventually } from "../mesh/eventually.ts";
import type { PodClient } from "../mesh/pod-client.ts";
import type { RunningMesh } from "../mesh/running-mesh.ts";
import { skipWithoutMesh as skip, startMesh } from "../mesh/running-mesh.ts";

const FILE = "settings.yaml";
// More than the room that a file system keeps for its own.
const FILLING = "x".repeat(256 * 1_024);

let stateDirectory = "";
let mesh: RunningMesh;
let client: PodClient;

function settings(greeting: string): string {
  return `apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: test}
data:
  greeting: ${greeting}
  filling: ${FILLING}
`;
}

const reader = `apiVersion: apps/v1
kind: Deployment
metadata: {name: reader, namespace: test}
spec:
  selector: {matchLabels: {app: reader}}
  template:
    metadata: {labels: {app: reader, sidecar.istio.io/inject: "false"}}
    spec:
      terminationGracePeriodSeconds: 1
      volumes: [{name: settings, configMap: {name: settings}}]
      containers:
        - name: app
          image: none
          command: [sleep, infinity]
          volumeMounts: [{name: settings, mountPath: /etc/settings}]
`;

before(
  async () => {
    if (skip !== false) return;
    stateDirectory = await mkdtemp(join(tmpdir(), "mlt-full-"));
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=24m,mode=700", "none", stateDirectory]);
    mesh = await startMesh({ files: { [FILE]: settings("one"), "reader.yaml": reader }, stateDirectory });
    client = await mesh.client("client");
  },
  { timeout: 180_000 },
);
after(async () => {
  await mesh?.close();
  if (stateDirectory === "") return;
  execFileSync("umount", ["--lazy", stateDirectory]);
  await rm(stateDirectory, { recursive: true, force: true });
});

/** As the pod sees it: the folder is mounted into it. */
async function greeting(): Promise<string> {
  const [pod] = await mesh.pods("reader");
  const path = join(stateDirectory, "volumes/pods/test", pod?.name ?? "", "settings/greeting");
  return readFile(path, "utf8");
}

function fillDisk(): void {
  const fill = join(stateDirectory, "fill");
  // dd writes as much as there is room for, and then fails.
  assert.throws(() => execFileSync("dd", ["if=/dev/zero", `of=${fill}`, "bs=4096"], { stdio: "ignore" }));
}

test("a full disk is a Problem of the pod whose ConfigMap was edited, and passes when there is room", {
  skip,
  timeout: 180_000,
}, async () => {
  assert.equal(await greeting(), "one");
  const [podBefore] = await mesh.pods("reader");
  fillDisk();
  const from = mesh.output().length;
  const said = () => mesh.output().slice(from);
  await mesh.save(FILE, settings("two"));
  await eventually(() =>
    assert.match(said(), /error MLT3109 Deployment test\/reader .*volume "settings".*ENOSPC/),
  );
  assert.equal(await greeting(), "one", "its files stay as they were");
  assert.match((await client.echo("http://echo/")).version, /^v[12]$/);
  await mesh.save("route.yaml", weightedRoutes({ v2: 100 }, { edit: "while full" }));
  await eventually(async () => {
    const { headers } = await client.request("http://echo/");
    assert.equal(headers["x-edit"], "while full", "other edits reach the traffic");
  });
  await rm(join(stateDirectory, "fill"));
  await eventually(async () => assert.equal(await greeting(), "two"));
  await eventually(() => assert.match(said(), /resolved: .*MLT3109 Deployment test\/reader/));
  const [podAfter] = await mesh.pods("reader");
  assert.deepEqual([podAfter?.name, podAfter?.ip], [podBefore?.name, podBefore?.ip], "it is the same pod");
});
