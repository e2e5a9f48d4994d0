// Loaded into the control plane's process before its program: tells its parent, when asked, what the process has used and
// how long its loop was held since it was last asked. It changes nothing of what the program does.

import { readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";

const RESOLUTION_MS = 2;

const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delay.enable();

process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.({
    cpuMs: (user + system) / 1_000,
    rssBytes: process.memoryUsage.rss(),
    peakRssBytes: peakRssBytes(),
    // A delay counts from one tick of the timer to the next.
    heldMs: Math.max(0, delay.max / 1e6 - RESOLUTION_MS),
  });
  delay.reset();
});
process.channel?.unref();
// A profile is written on the way out.
process.on("disconnect", () => process.exit(0));

function peakRssBytes() {
  const status = readFileSync("/proc/self/status", "utf8");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}
