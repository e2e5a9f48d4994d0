// A visitor who never tires: asks for pages at a steady pace and says every few seconds what came back.
// `RATE` is requests a second, `TARGET` what is asked for.

import { addressOf } from "../service/environment.ts";
import { createHttpClient } from "../service/http-client.ts";
import { onTermination } from "../service/termination.ts";

const REPORT_INTERVAL_MS = 5_000;
const MAX_IN_FLIGHT = 50;
const ratePerSecond = Number(process.env.RATE ?? 2);
const path = process.env.TARGET_PATH ?? "/";
const address = addressOf("storefront", 9080);

interface Tally {
  readonly countByStatus: Map<string, number>;
  readonly countByVersion: Map<string, number>;
  readonly durationsMs: number[];
}

const client = createHttpClient();
let tally = emptyTally();
let inFlightCount = 0;
/** What comes back while the rest of the shop still starts says nothing of the mesh. */
let isOpen = false;

const asking = setInterval(() => void ask(), 1_000 / ratePerSecond);
const reporting = setInterval(report, REPORT_INTERVAL_MS);
console.log(`loadtest asks ${address}${path} ${ratePerSecond} times a second`);

onTermination("loadtest", {
  begin: () => {
    clearInterval(asking);
    clearInterval(reporting);
  },
  end: (done) => {
    report();
    done();
  },
});

async function ask(): Promise<void> {
  if (inFlightCount >= MAX_IN_FLIGHT) return;
  inFlightCount += 1;
  const startMs = performance.now();
  try {
    const { status, headers } = await client({ address, path });
    note(String(status), String(headers["x-reviews-version"] ?? "none"));
  } catch {
    note("no answer");
  }
  if (isOpen) tally.durationsMs.push(performance.now() - startMs);
  inFlightCount -= 1;
}

function note(status: string, version?: string): void {
  if (!isOpen && status !== "200") return;
  if (!isOpen) console.log("loadtest: the shop is open");
  isOpen = true;
  count(tally.countByStatus, status);
  if (version !== undefined) count(tally.countByVersion, version);
}

function report(): void {
  const { countByStatus, countByVersion, durationsMs } = tally;
  tally = emptyTally();
  if (durationsMs.length === 0) return;
  durationsMs.sort((a, b) => a - b);
  console.log(
    `${durationsMs.length} pages: ${list(countByStatus)} | reviews ${list(countByVersion)} | ` +
      `median ${quantile(durationsMs, 0.5)} ms, p99 ${quantile(durationsMs, 0.99)} ms`,
  );
}

function emptyTally(): Tally {
  return { countByStatus: new Map(), countByVersion: new Map(), durationsMs: [] };
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function list(counts: ReadonlyMap<string, number>): string {
  const entries = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([key, times]) => `${key} ×${times}`).join(", ");
}

function quantile(sorted: readonly number[], fraction: number): number {
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? 0);
}
