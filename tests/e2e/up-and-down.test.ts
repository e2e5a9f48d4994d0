// `meltemi up` as a user meets it: started, looked at, edited, stopped, killed and started again. One pod
// outside the mesh is enough: what Envoys do is for other tests.

import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { probeMachine } from "../../src/local/front/machine-ability.ts";

const ability = await probeMachine();
const skip = ability.kind === "unable" ? ability.sentence : false;
const program = fileURLToPath(new URL("../../src/main/cli.ts", import.meta.url));
const DEADLINE_MS = 60_000;

interface Place {
  readonly directory: string;
  readonly manifests: string;
  readonly env: NodeJS.ProcessEnv;
  /** An argument of the pod's process that nothing else on the machine has. */
  readonly mark: string;
}

async function placeFor(context: TestContext): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), "meltemi-up-"));
  context.after(() => rm(directory, { recursive: true, force: true }));
  const mark = `${process.pid}${Date.now() % 100_000}`;
  const manifests = join(directory, "manifests.yaml");
  await writeFile(manifests, manifestOf(mark));
  return {
    directory,
    manifests,
    mark,
    env: { ...process.env, MELTEMI_STATE_DIR: join(directory, "state"), NO_COLOR: "1" },
  };
}

function manifestOf(mark: string): string {
  return `apiVersion: v1
kind: Pod
metadata: {name: alone, labels: {sidecar.istio.io/inject: "false"}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: app
    image: none
    command: [sh, -c, "echo hello; exec sleep ${mark}"]
`;
}

interface Started {
  readonly process: ChildProcess;
  readonly text: () => string;
  said(pattern: RegExp): Promise<void>;
  exitCode(): Promise<number | null>;
}

function meltemi(context: TestContext, { env }: Place, ...args: string[]): Started {
  const child = spawn(process.execPath, ["--import", "tsx", program, ...args], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "exit");
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8");
    });
  }
  context.after(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  return {
    process: child,
    text: () => text,
    said: (pattern) =>
      until(
        () => pattern.test(text),
        () => `${pattern} was never said:\n${text}`,
      ),
    exitCode: async () => ((await ended) as [number | null])[0],
  };
}

function up(context: TestContext, place: Place, ...flags: string[]): Started {
  return meltemi(context, place, "up", place.manifests, "--xds-port", "0", "--admin-port", "0", ...flags);
}

async function until(holds: () => boolean | Promise<boolean>, failure: () => string): Promise<void> {
  for (const deadline = Date.now() + DEADLINE_MS; Date.now() < deadline; await wait(20)) {
    if (await holds()) return;
  }
  throw new Error(failure());
}

async function podProcesses(mark: string): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")),
  );
  return lines.filter((line) => line.startsWith("sleep\0") && line.includes(mark));
}

async function assertPodGone({ mark }: Place): Promise<void> {
  await until(
    async () => (await podProcesses(mark)).length === 0,
    () => "the pod's process is still there",
  );
}

test("meltemi up --once ends with 0 when all is ready and leaves no process", { skip }, async (context) => {
  const place = await placeFor(context);
  const mesh = up(context, place, "--once");
  assert.equal(await mesh.exitCode(), 0, mesh.text());
  assert.match(mesh.text(), /ready: 1 pods/);
  await assertPodGone(place);
});

test("meltemi up shows output, follows the file, and refuses a second of its name", {
  skip,
}, async (context) => {
  const place = await placeFor(context);
  const mesh = up(context, place);
  await mesh.said(/^alone \| hello$/m);
  await mesh.said(/^ready: 1 pods$/m);
  assert.equal((await podProcesses(place.mark)).length, 1);
  const second = up(context, place);
  assert.equal(await second.exitCode(), 3);
  assert.match(second.text(), /it is running already \(process \d+\)/);
  await writeFile(place.manifests, `${manifestOf(place.mark)}  bad indent: [\n`);
  await mesh.said(/manifests\.yaml:\d+:\d+: error MLT1001/);
  assert.equal((await podProcesses(place.mark)).length, 1, "the last good version stays in force");
  await writeFile(place.manifests, manifestOf(place.mark));
  await mesh.said(/^resolved: .*manifests\.yaml/m);
  const exec = meltemi(context, place, "exec", "alone", "--", "sh", "-c", "hostname; exit 7");
  assert.equal(await exec.exitCode(), 7, exec.text());
  assert.match(exec.text(), /^alone$/m);
  const down = meltemi(context, place, "down");
  assert.equal(await down.exitCode(), 0, down.text());
  assert.equal(await mesh.exitCode(), 0, mesh.text());
  await assertPodGone(place);
});

test("meltemi up after a kill -9 of everything starts again, with the same CA", { skip }, async (context) => {
  const place = await placeFor(context);
  const first = up(context, place);
  await first.said(/^ready: 1 pods$/m);
  const authority = () =>
    readFile(join(place.env.MELTEMI_STATE_DIR ?? "", "ca/root-cert.pem"), "utf8").catch(() => "");
  const before = await authority();
  first.process.kill("SIGKILL");
  await assertPodGone(place);
  const second = up(context, place, "--once");
  assert.equal(await second.exitCode(), 0, second.text());
  assert.equal(await authority(), before);
});

test("meltemi down --purge removes the state", { skip }, async (context) => {
  const place = await placeFor(context);
  const env = { ...place.env, XDG_CACHE_HOME: join(place.directory, "cache") };
  assert.equal(await up(context, place, "--once").exitCode(), 0);
  const down = meltemi(context, { ...place, env }, "down", "--purge");
  assert.equal(await down.exitCode(), 0, down.text());
  assert.deepEqual(await readdir(place.directory), ["manifests.yaml"]);
});
