// The command line that starts a container's process in its pod: into the pod's namespaces, the mounts, the working
// directory, the user, no privileges. Pure. Words are passed as arguments, so nothing needs quoting.

import { meshDirectory } from "../front/mesh-init-script.ts";
import { type MountStep, stepWords } from "./mount-plan.ts";

/** `network` leaves what a proxy needs to mark and bind transparently (NET_ADMIN, NET_RAW). */
export type ContainerCapabilities = "none" | "network";

export interface ContainerCommand {
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface ContainerCommandInput {
  /** A process that is in the pod's namespaces. */
  readonly holderPid: number;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly uid: number;
  readonly gid: number;
  readonly capabilities: ContainerCapabilities;
  readonly steps: readonly MountStep[];
}

export interface ToolPaths {
  /** PATH that the steps before the container's own program use. */
  readonly path: string;
  readonly nsenter: string;
}

export function buildContainerCommand(input: ContainerCommandInput, tools: ToolPaths): ContainerCommand {
  const { early, late } = splitEnvironment(input.env);
  const enter = [tools.nsenter, `--target=${input.holderPid}`, "--net", "--uts", "--ipc", "--mount", "--"];
  // A mount namespace more, so that the pod's other containers don't see these volumes.
  const isolate = input.steps.length === 0 ? [] : ["unshare", "--mount"];
  const prepare = ["sh", "-c", containerScript, "meltemi-container", input.cwd, String(input.steps.length)];
  const program = [...privilegeCommand(input), "env", ...late, ...input.argv];
  return {
    argv: [...enter, ...isolate, ...prepare, ...input.steps.flatMap(stepWords), ...program],
    environment: { ...early, PATH: tools.path },
  };
}

const containerScript = `
set -eu
stash=${meshDirectory}/stash
open_directory() {
  directory=$1
  mount -n --rbind "$directory" "$stash"
  mount -n -t tmpfs -o "mode=$2" meltemi "$directory"
  cd "$stash"
  if [ "$3" = / ]; then set -- * .[!.]*; else IFS=/; set -f; set -- $3; set +f; unset IFS; fi
  for name; do
    if [ -L "$name" ]; then cp -P "$name" "$directory/"
    elif [ -d "$name" ]; then mkdir "$directory/$name"; mount -n --rbind "$stash/$name" "$directory/$name"
    elif [ -e "$name" ]; then : > "$directory/$name"; mount -n --bind "$stash/$name" "$directory/$name"
    fi
  done
  cd /
  umount -n -l "$stash"
}
make() {
  if [ "$2" = directory ]; then mkdir -p "$1"; return; fi
  mkdir -p "\${1%/*}"
  [ -e "$1" ] || : > "$1"
}
working=$1 count=$2
shift 2
while [ "$count" -gt 0 ]; do
  case $1 in
    open) open_directory "$2" "$3" "$4" ;;
    make) make "$2" "$3" ;;
    bind) mount -n -o "$4" "$2" "$3" ;;
  esac
  shift 4
  count=$((count - 1))
done
cd "$working"
exec "$@"
`;

function privilegeCommand({ uid, gid, capabilities }: ContainerCommandInput): readonly string[] {
  const kept = capabilities === "network" ? ",+net_admin,+net_raw" : "";
  const sets = [`--bounding-set=-all${kept}`, `--inh-caps=-all${kept}`, `--ambient-caps=-all${kept}`];
  return ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", ...sets, "--no-new-privs"];
}

// What the shell would drop (names that aren't its own kind), and what would change the tools on the way
// (PATH, the loader's variables), is set by env at the very end; its arguments can be seen in the process
// list only until the program takes its place.
function splitEnvironment(env: Readonly<Record<string, string>>): {
  early: Record<string, string>;
  late: string[];
} {
  const isLate = (name: string): boolean =>
    !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ||
    /^(PATH|IFS|ENV|BASH_ENV|PS4|LD_.*|NODE_CHANNEL_.*)$/.test(name);
  const entries = Object.entries(env).filter(([name]) => name !== "" && !name.includes("="));
  return {
    early: Object.fromEntries(entries.filter(([name]) => !isLate(name))),
    late: entries.filter(([name]) => isLate(name)).map(([name, value]) => `${name}=${value}`),
  };
}
