// A file that says which process holds something, by pid and start time: a holder that is gone, or a pid that another
// program has got since, holds nothing.

import { open, readFile, rm } from "node:fs/promises";

export interface MarkHolder {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: with the pid, it names one process of this boot. */
  readonly startTime: string;
  /** What the holder wrote of itself. */
  readonly note: string;
}

/** Marks `path` as this process's; false where the file is there already. */
export async function writeMark(path: string, note = ""): Promise<boolean> {
  const startTime = await startTimeOf(process.pid);
  try {
    const file = await open(path, "wx", 0o600);
    try {
      await file.writeFile(`${process.pid} ${startTime ?? "0"} ${note}\n`);
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Who holds it, if that process still lives. */
export async function readMark(path: string): Promise<MarkHolder | undefined> {
  try {
    const [pid = "", startTime = "", note = ""] = (await readFile(path, "utf8")).trim().split(" ");
    const isAlive = startTime !== "" && (await startTimeOf(Number(pid))) === startTime;
    return isAlive ? { pid: Number(pid), startTime, note } : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function startTimeOf(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // The command's name is in parentheses and may hold spaces, so fields are counted behind it.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" || state === "X" ? undefined : fields[18]; // A zombie holds nothing.
  } catch {
    return undefined; // No such process.
  }
}
