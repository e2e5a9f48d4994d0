// What a mesh does to its machine: nothing, however it ends, with root and without.

import assert from "node:assert/strict";
import { test } from "node:test";
import { skipWithoutRoot } from "./mesh-under-test.ts";
import {
  ordinaryUser,
  type StandInMachine,
  type StandInOptions,
  startPods,
  startStandInMachine,
  stateFor,
} from "./stand-in-machine.ts";

const privileges: readonly { readonly name: string; readonly options: StandInOptions }[] = [
  { name: "root", options: {} },
  { name: "an ordinary user", options: { user: ordinaryUser } },
];

for (const { name, options } of privileges) {
  test(`as ${name}: the machine is as before, while the mesh runs and after`, {
    skip: skipWithoutRoot,
  }, async (t) => {
    const machine = await startStandInMachine(t, options);
    const before = await machine.snapshot();
    await startPods(machine, stateFor(t, options));
    assert.equal(await machine.snapshot(), before);
    await machine.front("close");
    assert.equal(await machine.snapshot(), before);
    assert.deepEqual(meshProcesses(machine), []);
  });

  test(`as ${name}: kill -9 of the front ends everything`, { skip: skipWithoutRoot }, async (t) => {
    const machine = await startStandInMachine(t, options);
    const before = await machine.snapshot();
    await startPods(machine, stateFor(t, options));
    assert(meshProcesses(machine).length > 5);
    process.kill(machine.frontPid, "SIGKILL");
    await until(
      () => meshProcesses(machine).length === 0,
      () => JSON.stringify(meshProcesses(machine)),
    );
    assert.equal(await machine.snapshot(), before);
  });

  test(`as ${name}: kill -9 of the supervisor ends its pods`, { skip: skipWithoutRoot }, async (t) => {
    const machine = await startStandInMachine(t, options);
    const before = await machine.snapshot();
    const state = stateFor(t, options);
    const ip = await startPods(machine, state);
    const supervisor = machine
      .processes()
      .find(({ command }) => /^\S*node .*sandbox-supervisor/.test(command));
    assert(supervisor);
    process.kill(supervisor.pid, "SIGKILL");
    // The front is left, and what keeps its way out until it is told.
    const rest = () =>
      meshProcesses(machine).filter(({ command }) => !/sandbox-front|^slirp4netns/.test(command));
    await until(
      () => rest().length === 0,
      () => JSON.stringify(rest()),
    );
    await machine.front("close");
    assert.equal(await machine.snapshot(), before);
    assert.equal(await startPods(machine, state), ip);
    await machine.front("close");
  });
}

/** All but the front itself, esbuild's service that tsx keeps, and the stand-in's own. */
function meshProcesses(machine: StandInMachine): readonly { pid: number; command: string }[] {
  return machine
    .processes()
    .filter(({ pid, command }) => pid !== machine.frontPid && !/esbuild/.test(command) && command !== "");
}

async function until(isTrue: () => boolean, describe: () => string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!isTrue()) {
    assert(Date.now() < deadline, `still: ${describe()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
