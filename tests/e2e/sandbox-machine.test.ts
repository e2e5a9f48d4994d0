// What a mesh does to its machine: nothing, however it ends, with root and without.

import assert from "node:assert/strict";
import { chownSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { makeStateDirectory, skipWithoutRoot } from "./mesh-under-test.ts";
import { type StandInMachine, type StandInOptions, startStandInMachine } from "./stand-in-machine.ts";

const ordinaryUser = { uid: 61_234, subordinateIds: true } as const;
const app = { uid: 1_000, gid: 1_000, env: { PATH: "/usr/bin:/bin" } };
const stubbornServer = { ...app, argv: ["sh", "-c", "setsid sleep 500 & echo started; exec sleep 500"] };

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

test("without root, programs run as the ids asked for", { skip: skipWithoutRoot }, async (t) => {
  const options = { user: ordinaryUser };
  const machine = await startStandInMachine(t, options);
  await startPods(machine, stateFor(t, options));
  const found = await Promise.all(
    [0, 1_000, 1_337].map((uid) =>
      machine.front("mesh", {
        call: "run",
        argument: { ...app, pod: "shop/a", uid, gid: uid, argv: ["id", "-u"] },
      }),
    ),
  );
  assert.deepEqual(
    found.map((outcome) => (outcome as { stdout: string }).stdout.trim()),
    ["0", "1000", "1337"],
  );
});

test("without root, a pod reaches the machine's loopback where tun can be opened", {
  skip: skipWithoutRoot,
}, async (t) => {
  const options = { user: ordinaryUser, openTun: true };
  const machine = await startStandInMachine(t, options);
  await startPods(machine, stateFor(t, options));
  const port = await machine.front("serve", "from the machine");
  const url = `http://host.meltemi.internal:${port}/`;
  const argument = { ...app, pod: "shop/a", argv: ["curl", "-s", "-m", "5", url] };
  assert.deepEqual(await machine.front("mesh", { call: "run", argument }), {
    code: 0,
    stdout: "from the machine",
    stderr: "",
  });
});

test("enterMeshCommand() runs a command in the mesh from the machine's side", {
  skip: skipWithoutRoot,
}, async (t) => {
  for (const options of [{}, { user: ordinaryUser }]) {
    const machine = await startStandInMachine(t, options);
    await startPods(machine, stateFor(t, options));
    const outcome = await machine.front("enter", [
      "sh",
      "-c",
      "id -u; ip -o -4 address show meltemi0; ls -d /.meltemi",
    ]);
    assert.match(outcome, /^0\n.*inet 10\.244\.0\.1\/16 .*\n\/\.meltemi\n$/);
  }
});

test("probeMachine() says how to get ids where the user has none", { skip: skipWithoutRoot }, async (t) => {
  const machine = await startStandInMachine(t, { user: { uid: 61_235, subordinateIds: false } });
  const ability = await machine.front("probe");
  assert.equal(ability.kind, "unable");
  assert.match(ability.kind === "unable" ? ability.sentence : "", /usermod --add-subuids .* mesh-user/);
});

test("probeMachine() says that there is no way out where tun can't be opened", {
  skip: skipWithoutRoot,
}, async (t) => {
  const machine = await startStandInMachine(t, { user: ordinaryUser });
  const ability = await machine.front("probe");
  assert(ability.kind === "able" && ability.privilege === "user-namespace");
  assert.match(ability.noEgress ?? "", /\/dev\/net\/tun/);
});

function stateFor(t: TestContext, { user }: StandInOptions): string {
  const directory = makeStateDirectory(t);
  if (user !== undefined) chownSync(directory, user.uid, user.uid);
  return directory;
}

/** Launches the mesh and two pods with programs that don't end by themselves; gives the first one's address. */
async function startPods(machine: StandInMachine, stateDirectory: string): Promise<string> {
  await machine.front("launch", stateDirectory);
  let firstIp = "";
  for (const hostname of ["a", "b"]) {
    const argument = { podKey: `shop/${hostname}`, hostname, dnsSearch: [] };
    const { ip } = (await machine.front("mesh", { call: "pod", argument })) as { ip: string };
    await machine.front("mesh", { call: "start", argument: { pod: `shop/${hostname}`, ...stubbornServer } });
    firstIp ||= ip;
  }
  return firstIp;
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
