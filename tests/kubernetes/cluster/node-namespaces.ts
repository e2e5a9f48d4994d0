// The namespaces that make one node of a test cluster: network, mounts and processes. Whatever runs in them dies
// with their holder, and the holder dies with the test's process, so nothing can be left behind. What a node writes
// to /run, /var, /etc and /opt stays in its own folder.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

const START_LIMIT_MS = 20_000;

export interface NodeNamespaces {
  /** Of the first process of the node, seen from here. */
  readonly pid: number;
  /** Puts a command in front of which it runs in the node. */
  enter(command: readonly [string, ...string[]]): readonly [string, ...string[]];
  close(): Promise<void>;
}

export async function createNodeNamespaces(folder: string): Promise<NodeNamespaces> {
  await mkdir(folder, { recursive: true });
  await writeKernelSettings(folder);
  const holder = spawn(
    "setpriv",
    [
      ...[
        "--pdeathsig",
        "KILL",
        "unshare",
        "--net",
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
      ],
      ...["--propagation", "private", "sh", "-euc", holderScript, "holder", folder],
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const close = () => killAndWait(holder);
  try {
    await untilHeld(holder);
    const pid = await onlyChildOf(holder.pid ?? 0);
    return { pid, enter: (command) => enterNode(pid, command), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Command line that runs `command` in the node whose first process is `pid`, and kills it when nsenter is killed. */
export function enterNode(
  pid: number,
  command: readonly [string, ...string[]],
): readonly [string, ...string[]] {
  const namespaces = ["--target", String(pid), "--mount", "--net", "--pid", "--wd=/"];
  return ["nsenter", ...namespaces, "setpriv", "--pdeathsig", "KILL", ...command];
}

/** Runs a command in the node to its end; resolves to what it printed. */
export async function runInNode(pid: number, command: readonly [string, ...string[]]): Promise<string> {
  const [program, ...args] = enterNode(pid, command);
  const { stdout } = await promisify(execFile)(program, args, { maxBuffer: 64 << 20 });
  return stdout;
}

// Uppers of overlays must not lie on an overlay, as /tmp may do in a container: they are on a tmpfs.
// kubelet's and containerd's data are too large for memory and need a real file system: they are bound.
const holderScript = `
folder=$1
mount -t tmpfs scratch "$folder/scratch"
for part in etc opt var; do
  mkdir -p "$folder/scratch/$part" "$folder/scratch/$part.work"
  mount -t overlay -o "lowerdir=/$part,upperdir=$folder/scratch/$part,workdir=$folder/scratch/$part.work" overlay "/$part"
done
for part in var/lib/containerd var/lib/kubelet; do
  mkdir -p "$folder/$part" "/$part"
  mount --bind "$folder/$part" "/$part"
done
mount -t tmpfs run /run
for setting in "$folder"/kernel/*; do
  target=/proc/sys/$(basename "$setting" | tr . /)
  test ! -e "$target" || mount --bind "$setting" "$target"
done
mount --make-rshared /
ip link set lo up
echo held
while :; do sleep 3600 & wait $!; done
`;

/**
 * kubelet writes these settings of the whole machine unless it finds the values that it wants, so it is shown
 * files of ours in their place.
 */
async function writeKernelSettings(folder: string): Promise<void> {
  const wanted = {
    "vm.overcommit_memory": 1,
    "vm.panic_on_oom": 0,
    "kernel.panic": 10,
    "kernel.panic_on_oops": 1,
    "kernel.keys.root_maxkeys": 1_000_000,
    "kernel.keys.root_maxbytes": 25_000_000,
  };
  await mkdir(join(folder, "kernel"), { recursive: true });
  await mkdir(join(folder, "scratch"), { recursive: true });
  for (const [name, value] of Object.entries(wanted))
    await writeFile(join(folder, "kernel", name), `${value}\n`);
}

async function untilHeld(holder: ChildProcess): Promise<void> {
  let [output, errors] = ["", ""];
  holder.stderr?.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const held = new Promise<void>((resolve) => {
    holder.stdout?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      if (output.includes("held\n")) resolve();
    });
  });
  const ended = once(holder, "exit").then(() => {
    throw new Error(`Cannot make a node's namespaces: ${errors.trim()}`);
  });
  await Promise.race([held, ended, delay(START_LIMIT_MS, undefined, { ref: false })]);
  ended.catch(() => undefined);
  if (!output.includes("held\n"))
    throw new Error(`Cannot make a node's namespaces in time: ${errors.trim()}`);
}

async function onlyChildOf(pid: number): Promise<number> {
  return Number((await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim());
}

async function killAndWait(holder: ChildProcess): Promise<void> {
  if (holder.exitCode !== null || holder.signalCode !== null) return;
  const exited = once(holder, "exit");
  holder.kill("SIGKILL");
  await exited;
}
