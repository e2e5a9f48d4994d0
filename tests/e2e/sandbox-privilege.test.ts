// What a mesh can do with root and without, and what it says of what it can't.

import assert from "node:assert/strict";
import { test } from "node:test";
import { skipWithoutRoot, skipWithoutTun } from "./mesh-under-test.ts";
import { app, ordinaryUser, startPods, startStandInMachine, stateFor } from "./stand-in-machine.ts";

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
  skip: skipWithoutRoot || skipWithoutTun,
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

test("a pod resolves what the machine's own resolver knows", {
  skip: skipWithoutRoot || skipWithoutTun,
}, async (t) => {
  const machine = await startStandInMachine(t);
  await machine.front("serveName", { name: "outside.example", address: "192.0.2.55" });
  await startPods(machine, stateFor(t, {}));
  const argument = { ...app, pod: "shop/a", argv: ["getent", "ahostsv4", "outside.example"] };
  const outcome = (await machine.front("mesh", { call: "run", argument })) as { stdout: string };
  assert.match(outcome.stdout, /^192\.0\.2\.55 /);
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
