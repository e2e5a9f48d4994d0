// Loaded into the control plane's process before its program: tells its parent, when asked, what the process has used and
// how long its loop was held since it was last asked. It changes nothing of what the program does.

import { openSync, readFileSync, readSync } from "node:fs";

const TICK_MS = 5;

/** Of this thread; its first number is the nanoseconds that it ran. */
const schedule = openSync(`/proc/self/task/${process.pid}/schedstat`, "r");
const buffer = Buffer.alloc(64);
let ranMs = threadMs();
let heldMs = 0;
let ticks;

watch(true);
process.on("message", ({ isWatched }) => {
  look();
  const { user, system } = process.cpuUsage();
  process.send?.({
    cpuMs: (user + system) / 1_000,
    rssBytes: process.memoryUsage.rss(),
    peakRssBytes: peakRssBytes(),
    heldMs,
  });
  heldMs = 0;
  watch(isWatched);
});
process.channel?.unref();
// A profile is written on the way out.
process.on("disconnect", () => process.exit(0));

/** Costs up to 1 % of the thread. */
function watch(isWatched) {
  clearInterval(ticks);
  ranMs = threadMs();
  ticks = isWatched ? setInterval(look, TICK_MS).unref() : undefined;
}

/** What the thread computed from one tick to the next is what it held its loop, however busy the machine is. */
function look() {
  const nowMs = threadMs();
  if (ticks !== undefined) heldMs = Math.max(heldMs, nowMs - ranMs);
  ranMs = nowMs;
}

function threadMs() {
  const length = readSync(schedule, buffer, 0, buffer.length, 0);
  return Number.parseInt(buffer.toString("latin1", 0, length), 10) / 1e6;
}

function peakRssBytes() {
  const status = readFileSync("/proc/self/status", "utf8");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}
