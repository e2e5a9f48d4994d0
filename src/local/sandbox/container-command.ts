// The command line that starts a container's process in its pod: into the pod's namespaces, the mounts, the program's root
// directory, the user, no privileges. Pure. Words are passed as arguments, so nothing needs quoting.

import type { MountStep } from "./mount-plan.ts";
import { stepWords } from "./mount-plan.ts";
import { MOUNT_STEP_WORDS, mountScript } from "./mount-script.ts";
import { programRoot } from "./pod-root.ts";

/** `network` leaves what a proxy needs to mark and bind transparently (NET_ADMIN, NET_RAW). */
export type ContainerCapabilities = "none" | "network";

export interface ContainerCommand {
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface ContainerCommandInput {
  /** A process that is in the pod's namespaces, and whose children are in the pod's pid namespace. */
  readonly holderPid: number;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly uid: number;
  readonly gid: number;
  /** Besides `gid`. */
  readonly groups?: readonly number[];
  readonly capabilities: ContainerCapabilities;
  readonly steps: readonly MountStep[];
}

export interface ToolPaths {
  /** PATH that the steps before the container's own program use. */
  readonly path: string;
  readonly nsenter: string;
}

export function buildContainerCommand(input: ContainerCommandInput, tools: ToolPaths): ContainerCommand {
  const { holderPid, steps } = input;
  const enter = [tools.nsenter, `--target=${holderPid}`, "--net", "--uts", "--ipc", "--mount"];
  const processes = `--pid=/proc/${holderPid}/ns/pid_for_children`;
  const variables = variablesOf(input.env);
  const start = ["sh", "-c", startScript, "meltemi-container", steps.length === 0 ? "" : "wait"];
  const program = [...start, input.cwd, String(variables.length), ...input.argv];
  const unprivileged = ["chroot", programRoot, ...privilegeCommand(input), ...program];
  return {
    argv: [...enter, processes, "--", ...mountCommand(steps), ...unprivileged],
    environment: {
      ...Object.fromEntries(variables.map((variable, at) => [`${VARIABLE_PREFIX}${at}`, variable])),
      PATH: tools.path,
    },
  };
}

const VARIABLE_PREFIX = "meltemi_";

// A mount namespace more, so that the pod's other containers don't see these volumes.
function mountCommand(steps: readonly MountStep[]): readonly string[] {
  if (steps.length === 0) return [];
  const words = steps.flatMap(stepWords);
  if (words.length !== steps.length * MOUNT_STEP_WORDS) throw new Error("A mount step has another length");
  return ["unshare", "--mount", "sh", "-c", mountScript, "meltemi-mounts", String(steps.length), ...words];
}

// Runs as the container's user, without privileges, from files that no volume covers yet. Where there are mounts it has
// them made, by a word on descriptor 7, and waits for them on 9. Only then does it touch what may be the app's own.
const startScript = `
if [ -n "$1" ]; then
  echo begun >&7
  exec 7>&-
  read -r answer <&9 || exit 125
  exec 9<&-
fi
cd -- "$2" || exit 125
count=$3
shift 3
while [ "$count" -gt 0 ]; do
  count=$((count - 1))
  eval "set -- \\"\\$${VARIABLE_PREFIX}$count\\" \\"\\$@\\""
done
exec env -i -- "$@"
`;

function privilegeCommand(input: ContainerCommandInput): readonly string[] {
  const { uid, gid, groups = [], capabilities } = input;
  const kept = capabilities === "network" ? ",+net_admin,+net_raw" : "";
  const sets = [`--bounding-set=-all${kept}`, `--inh-caps=-all${kept}`, `--ambient-caps=-all${kept}`];
  const supplementary = groups.length === 0 ? "--clear-groups" : `--groups=${groups.join(",")}`;
  return ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, supplementary, ...sets, "--no-new-privs"];
}

// The tools on the way run with the mesh's privileges, and many a variable makes one load a file or look elsewhere. So
// the container's variables travel under names that mean nothing to anybody, and not as arguments, which every user of
// the machine can read. `env` sets them at the very end.
function variablesOf(env: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(env)
    .filter(([name]) => name !== "" && !name.includes("="))
    .map(([name, value]) => `${name}=${value}`);
}
