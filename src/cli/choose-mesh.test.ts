import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { choosePlace } from "./choose-mesh.ts";
import type { CommandContext } from "./command.ts";
import { stateDirectory } from "./state-directory.ts";
import { lockState } from "./state-lock.ts";

interface Machine {
  readonly currentContext?: string;
  readonly hasMesh?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

async function chooseOn(t: TestContext, machine: Machine, options: Readonly<Record<string, unknown>> = {}) {
  const directory = await mkdtemp(join(tmpdir(), "meltemi-choose-"));
  t.after(() => rm(directory, { recursive: true }));
  const env = { XDG_STATE_HOME: directory, ...machine.env };
  if (machine.hasMesh) await lockState(stateDirectory(env, "default"), "default");
  const said: string[] = [];
  const context = {
    terminal: {
      hasColour: false,
      write: () => undefined,
      writeError: (text: string) => void said.push(text),
    },
    env,
    operations: { clusters: { currentContext: async () => machine.currentContext } },
  } as unknown as CommandContext;
  return { place: await choosePlace(context, { args: [], options }), said };
}

const machine = (name: string) => ({ kind: "machine", name }) as const;
const cluster = (choices: object = {}) => ({ kind: "cluster", choices }) as const;

test("choosePlace() takes the mesh that runs on this machine", async (t) => {
  const { place, said } = await chooseOn(t, { hasMesh: true, currentContext: "prod" });
  assert.deepEqual([place, said], [machine("default"), []]);
});

test("choosePlace() takes the current context where no mesh runs, and says so", async (t) => {
  const { place, said } = await chooseOn(t, { currentContext: "prod" });
  assert.deepEqual(place, cluster());
  assert.deepEqual(said, ['No mesh runs on this machine: asking the cluster of context "prod"\n']);
});

test("choosePlace() takes this machine where there is neither", async (t) => {
  assert.deepEqual((await chooseOn(t, {})).place, machine("default"));
});

test("choosePlace() takes this machine where the state's place is set", async (t) => {
  const env = { MELTEMI_STATE_DIR: "/nowhere" };
  assert.deepEqual((await chooseOn(t, { env, currentContext: "prod" })).place, machine("default"));
});

test("choosePlace() takes the mesh that MELTEMI_MESH names, unless flags name a cluster", async (t) => {
  const env = { MELTEMI_MESH: "second" };
  assert.deepEqual((await chooseOn(t, { env, currentContext: "prod" })).place, machine("second"));
  const { place } = await chooseOn(t, { env }, { context: "staging" });
  assert.deepEqual(place, cluster({ context: "staging" }));
});

const flags = [
  [{ mesh: "other" }, machine("other")],
  [{ name: "80" }, machine("default")],
  [{ context: "staging" }, cluster({ context: "staging" })],
  [{ kubeconfig: "/file" }, cluster({ kubeconfig: "/file" })],
  [{ kubernetes: true }, cluster()],
] as const;

for (const [options, wanted] of flags) {
  test(`choosePlace() does what ${JSON.stringify(options)} says, in silence`, async (t) => {
    const { place, said } = await chooseOn(t, { hasMesh: true, currentContext: "prod" }, options);
    assert.deepEqual([place, said], [wanted, []]);
  });
}

test("choosePlace() refuses two places", async (t) => {
  await assert.rejects(chooseOn(t, {}, { mesh: "default", context: "prod" }), { exitCode: 2 });
});
