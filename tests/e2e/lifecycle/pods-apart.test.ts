// Pods that attack: each tries to read, signal and enter what isn't its own, as every user that a manifest may ask for,
// in a mesh of root's and in one of an ordinary user's. What they report is empty.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { eventually } from "../mesh/eventually.ts";
import type { RunningMesh, StartMesh } from "../mesh/running-mesh.ts";
import { skipWithoutMesh as skip, startMesh } from "../mesh/running-mesh.ts";
import { startMeshAsUser } from "./mesh-on-machine.ts";

const attacker = fileURLToPath(new URL("app/attacker.mjs", import.meta.url));
const project = fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "");
const SECRET = "s3cret-of-the-victim";

const victim = `
apiVersion: v1
kind: Pod
metadata: {name: victim, namespace: test}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - {name: app, image: none, command: [sh, -c, "exec sleep infinity # victim"], env: [{name: VICTIM, value: ${SECRET}}]}
`;

const settings = `
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: test}
data: {greeting: hello}
`;

function attackerPod(
  name: string,
  { runAsUser, words }: { runAsUser?: number; words: readonly string[] },
): string {
  const security = runAsUser === undefined ? "" : `securityContext: {runAsUser: ${runAsUser}},`;
  return `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: test}
spec:
  terminationGracePeriodSeconds: 1
  volumes:
  - {name: settings, configMap: {name: settings}}
  - {name: scratch, emptyDir: {}}
  - name: token
    projected: {sources: [{serviceAccountToken: {path: token, expirationSeconds: 3600}}]}
  containers:
  - name: app
    image: none
    ${security === "" ? "" : security.slice(0, -1)}
    command: ${JSON.stringify(["node", ...words])}
    volumeMounts:
    - {name: settings, mountPath: /etc/settings}
    - {name: scratch, mountPath: /scratch}
    - {name: token, mountPath: /var/run/secrets/tokens}
`;
}

interface Report {
  readonly uid: number;
  readonly got: Readonly<Record<string, string>>;
}

async function reportOf(mesh: RunningMesh, pod: string): Promise<Report> {
  return eventually(async () => {
    const lines = await mesh.logs(pod, "app");
    const line = lines.find(({ text }) => text.startsWith("got "));
    if (line === undefined) throw new Error(`${pod} has said: ${JSON.stringify(lines)}\n${mesh.output()}`);
    return JSON.parse(line.text.slice(4)) as Report;
  });
}

async function attackedMesh(context: TestContext, start: StartMesh, programPath: string) {
  const mesh = await start({ files: { "victim.yaml": `${victim}---${settings}` } });
  context.after(() => mesh.close());
  const [target] = await mesh.pods("victim");
  const words = [programPath, mesh.stateDirectory, target?.ip ?? "", SECRET];
  await mesh.save("default.yaml", attackerPod("as-default", { words }));
  await mesh.save("root.yaml", attackerPod("as-root", { runAsUser: 0, words }));
  await mesh.save("other.yaml", attackerPod("as-other", { runAsUser: 1_000, words }));
  await mesh.save("proxy.yaml", attackerPod("as-proxy", { runAsUser: 1_337, words }));
  return mesh;
}

async function assertNothingGot(mesh: RunningMesh, pod: string): Promise<number> {
  const { uid, got } = await reportOf(mesh, pod);
  assert(Object.keys(got).length > 20, "it has tried");
  const found = Object.fromEntries(Object.entries(got).filter(([, what]) => what !== ""));
  assert.deepEqual(found, {}, pod);
  return uid;
}

async function assertVictimLives(mesh: RunningMesh): Promise<void> {
  const [target] = await mesh.pods("victim");
  for (const { isReady, restartCount } of target?.containers ?? []) {
    assert.deepEqual([isReady, restartCount], [true, 0]);
  }
}

async function assertProxysUserRefused(mesh: RunningMesh): Promise<void> {
  await eventually(async () =>
    assert.match(mesh.output(), /proxy\.yaml:\d+.*MLT3120|MLT3120.*proxy\.yaml:\d+/),
  );
  assert.deepEqual(await mesh.logs("as-proxy", "app"), []);
}

/** As `kubectl exec`: the same walls. */
async function execIn(mesh: RunningMesh, pod: string, script: string): Promise<string> {
  const [program, ...args] = await mesh.exec(pod, ["sh", "-c", script]);
  const { stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  return `${stdout}${stderr}`;
}

test("under root, a pod gets nothing of the mesh, of other pods or of the machine's root", {
  skip,
}, async (context) => {
  const mesh = await attackedMesh(context, startMesh, attacker);
  const uids = [];
  for (const pod of ["as-default", "as-root", "as-other"]) uids.push(await assertNothingGot(mesh, pod));
  assert.deepEqual([...new Set(uids)].length, 2, `${uids}`);
  assert(!uids.includes(0), "nobody is root");
  await assertProxysUserRefused(mesh);
  await eventually(async () => assert.match(mesh.output(), /MLT3121/));
  await assertVictimLives(mesh);
  const seen = await execIn(
    mesh,
    "as-default",
    `ls ${mesh.stateDirectory} /.meltemi; id -u; cat /etc/settings/greeting; touch /scratch/made && echo made
stat -c %a:%u /var/run/secrets/tokens/..data/token; ls -d /proc/[0-9]* | wc -l; grep CapEff /proc/self/status`,
  );
  assert.match(seen, /65534\nhellomade\n600:65534\n[1-9]\d?\nCapEff:\t0+\n/);
});

test("in an ordinary user's mesh, a pod gets nothing either, as its root or as another user", {
  skip,
}, async (context) => {
  const mesh = await attackedMesh(context, startMeshAsUser, attacker.replace(project, "/mnt/project"));
  assert.equal(await assertNothingGot(mesh, "as-default"), 0);
  assert.equal(await assertNothingGot(mesh, "as-root"), 0);
  assert.equal(await assertNothingGot(mesh, "as-other"), 1_000);
  await assertProxysUserRefused(mesh);
  await assertVictimLives(mesh);
});
