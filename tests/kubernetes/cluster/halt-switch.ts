// Lets any process stop a cluster's API server and start it again: while a file is there, it isn't run.

import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runInNode } from "./node-namespaces.ts";

/** The command, run again after each `halt()`; an end of its own ends it all. */
export function behindHaltSwitch(
  folder: string,
  command: readonly [string, ...string[]],
): readonly [string, ...string[]] {
  return ["sh", "-uc", switchScript, "halt-switch", folder, ...command];
}

const switchScript = `
folder=$1
shift
while :; do
  if [ -e "$folder/halted" ]; then sleep 0.1; continue; fi
  "$@" &
  echo $! > "$folder/halt-switch.pid"
  wait $!
  [ -e "$folder/halted" ] || exit 1
done
`;

/** `nodePid`: the first process of the node that it runs in. */
export async function halt(folder: string, nodePid: number): Promise<void> {
  await writeFile(join(folder, "halted"), "");
  const pid = (await readFile(join(folder, "halt-switch.pid"), "utf8")).trim();
  await runInNode(nodePid, ["kill", "-KILL", pid]);
}

export async function resume(folder: string): Promise<void> {
  await rm(join(folder, "halted"), { force: true });
}
