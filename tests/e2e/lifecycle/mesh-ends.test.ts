// Issue 3, items 4 and 6: however a mesh ends, nothing of it is left on the machine, with root and without; and the
// next one goes on with the same CA and the same addresses.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { promisify } from "node:util";
import { eventually } from "../mesh/eventually.ts";
import type { RunningMesh } from "../mesh/running-mesh.ts";
import { skipWithoutMesh as skip, startMesh } from "../mesh/running-mesh.ts";
import type { StandInOptions } from "../stand-in-machine.ts";
import { ordinaryUser, stateFor } from "../stand-in-machine.ts";
import type { MachineUnderTest } from "./mesh-on-machine.ts";
import { startMachine } from "./mesh-on-machine.ts";
import { killInside, pidOf } from "./mesh-processes.ts";

interface Bench {
  readonly machine: MachineUnderTest;
  /** Before any mesh. */
  readonly untouched: string;
  start(): Promise<RunningMesh>;
}

async function benchFor(context: TestContext, options: StandInOptions): Promise<Bench> {
  const machine = await startMachine(options);
  context.after(() => machine.close());
  const stateDirectory = stateFor(context, options);
  return {
    machine,
    untouched: await machine.standIn.snapshot(),
    async start() {
      const mesh = await startMesh({ machine, stateDirectory });
      context.after(() => mesh.close());
      return mesh;
    },
  };
}

/** No process but the stand-in's own two; interfaces, rules, mounts and files as they were. */
async function assertNothingLeft({ machine, untouched }: Bench): Promise<void> {
  await eventually(() => {
    const left = machine.standIn
      .processes()
      .filter(({ pid, command }) => pid !== machine.standIn.frontPid && command !== "");
    const ours = left.filter(({ command }) => !/esbuild/.test(command));
    assert.deepEqual(ours, []);
  });
  assert.equal(await machine.standIn.snapshot(), untouched);
}

/** What a next mesh must have in common with the one before. */
async function heritageOf(mesh: RunningMesh) {
  const client = await mesh.client("client");
  const { headers } = await client.echo("http://echo/");
  const [program, ...args] = await mesh.exec("client", ["getent", "ahostsv4", "echo"]);
  const { stdout } = await promisify(execFile)(program, args);
  return {
    authority: await readFile(join(mesh.stateDirectory, "ca/root-cert.pem"), "utf8"),
    // The certificate is a new one, and its subject names a pod, of which there are new ones too.
    identity: headers["x-forwarded-client-cert"]?.replace(/Hash=\w+;|Subject="[^"]*";/g, ""),
    serviceAddress: stdout,
  };
}

const privileges: readonly { readonly who: string; readonly options: StandInOptions }[] = [
  { who: "root", options: {} },
  { who: "an ordinary user", options: { user: ordinaryUser } },
];

for (const { who, options } of privileges) {
  test(`as ${who}: Ctrl-C leaves the machine as it was, and so it is meanwhile`, {
    skip,
  }, async (context) => {
    const bench = await benchFor(context, options);
    const mesh = await bench.start();
    await heritageOf(mesh);
    assert.equal(await bench.machine.standIn.snapshot(), bench.untouched);
    await mesh.close();
    assert.equal(await mesh.ended, 0, mesh.output());
    await assertNothingLeft(bench);
  });

  test(`as ${who}: a mesh whose supervisor is killed dies whole and starts again with its CA`, {
    skip,
  }, async (context) => {
    const bench = await benchFor(context, options);
    const first = await bench.start();
    const heritage = await heritageOf(first);
    await killInside(first, await pidOf(first, "supervisor"));
    assert.equal(await first.ended, 3);
    assert.match(first.output(), /The mesh has died: the supervisor /);
    await assertNothingLeft(bench);
    assert.deepEqual(await heritageOf(await bench.start()), heritage);
  });

  test(`as ${who}: a mesh whose front is killed dies whole and starts again with its CA`, {
    skip,
  }, async (context) => {
    const bench = await benchFor(context, options);
    const first = await bench.start();
    const heritage = await heritageOf(first);
    process.kill(await first.frontPid(), "SIGKILL");
    await first.ended;
    await assertNothingLeft(bench);
    const second = await bench.start();
    assert.deepEqual(await heritageOf(second), heritage);
    await second.close();
    await assertNothingLeft(bench);
  });
}
