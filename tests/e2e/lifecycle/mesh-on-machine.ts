// A mesh by `meltemi up` on a machine that a test stands in: as its root, or as an ordinary user of it. What is
// then compared is the stand-in's network, rules and files, while the real machine's are left to others.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { findEnvoy } from "../../../src/agent/envoy-binary.ts";
import type { MeshMachine, MeshStart, RunningMesh } from "../mesh/running-mesh.ts";
import { startMesh } from "../mesh/running-mesh.ts";
import type { StandInMachine, StandInOptions } from "../stand-in-machine.ts";
import { ordinaryUser, startStandInMachine } from "../stand-in-machine.ts";

export interface MachineUnderTest extends MeshMachine {
  readonly standIn: StandInMachine;
  close(): Promise<void>;
}

const project = fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "");
// The user may not enter the directories above the project, or above Envoy; both are put where he may.
const projectThere = "/mnt/project";
const envoyThere = "/mnt/envoy";

export async function startMachine(options: StandInOptions = {}): Promise<MachineUnderTest> {
  const closers: (() => unknown)[] = [];
  const standIn = await startStandInMachine(
    { after: (close) => void closers.push(close as () => unknown) },
    options,
  );
  const enter = ["nsenter", `--target=${standIn.frontPid}`, "--net", "--mount", "--pid"] as const;
  const script = `mkdir -p ${projectThere} /mnt/home; touch ${envoyThere}
mount -n --bind "$1" ${projectThere}; mount -n --bind "$2" ${envoyThere}`;
  await promisify(execFile)(enter[0], [
    ...enter.slice(1),
    "--",
    "sh",
    "-ec",
    script,
    "sh",
    project,
    await envoyPath(),
  ]);
  const { uid } = options.user ?? { uid: 0 };
  const asUser = uid === 0 ? [] : ["setpriv", "--reuid", `${uid}`, "--regid", `${uid}`, "--clear-groups"];
  return {
    standIn,
    uid,
    env: { PATH: process.env.PATH, HOME: "/mnt/home", MELTEMI_ENVOY: envoyThere },
    enter: (argv) => [
      ...enter,
      "--",
      ...asUser,
      ...argv.map((word) => word.replaceAll(project, projectThere)),
    ],
    async close() {
      for (const close of closers.toReversed()) await close();
    },
  };
}

/** As `startMesh`, without root; the machine goes with the mesh. */
export async function startMeshAsUser(start: MeshStart = {}): Promise<RunningMesh> {
  const machine = await startMachine({ user: ordinaryUser });
  try {
    const mesh = await startMesh({ ...start, machine });
    return {
      ...mesh,
      async close() {
        await mesh.close();
        await machine.close();
      },
    };
  } catch (error) {
    await machine.close();
    throw error;
  }
}

async function envoyPath(): Promise<string> {
  const found = await findEnvoy({ env: process.env });
  if ("envoy" in found) return found.envoy.path;
  throw new Error(found.problem.message);
}
