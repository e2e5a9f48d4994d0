// Tells the control plane every few seconds what the proxy's traffic came to, over a connection that shows the pod's
// certificate and is closed while there is nothing to tell. What isn't answered is told again, under the same number.

import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/logger.ts";
import { encodeTrafficReport, TRAFFIC_REPORT_PATH } from "../../core/traffic-report.ts";
import { GrpcError } from "../../grpc/status.ts";
import type { TrafficTable } from "./traffic-table.ts";

export interface TrafficReporterOptions {
  readonly table: TrafficTable;
  /** Opens a connection; undefined while there is no certificate to show. */
  readonly connect: () => ReportChannel | undefined;
  readonly clock: Clock;
  /** In [0, 1): spreads proxies over the period, and names the run. */
  readonly random: () => number;
  readonly log: Logger;
}

/** What a GrpcClient has of it. */
export interface ReportChannel {
  unary(path: string, request: Uint8Array, options: { readonly timeoutMs: number }): Promise<Uint8Array>;
  close(): void;
}

export interface TrafficReporter {
  /** Tells the rest, if that is soon done. */
  close(): Promise<void>;
}

export const REPORT_PERIOD_MS = 5_000;
const ANSWER_LIMIT_MS = 4_000;
/** A minute without traffic. */
const IDLE_PERIODS = 12;
/** Older traffic would look like that of the moment when the control plane is back. */
const MAX_UNTOLD_MS = 60_000;
/** A pod that ends has no time to wait. */
const LAST_ANSWER_LIMIT_MS = 1_000;

interface Untold {
  readonly bytes: Uint8Array;
  readonly sinceMs: number;
}

export function startTrafficReporter(options: TrafficReporterOptions): TrafficReporter {
  const { table, clock, random, log } = options;
  const run = Array.from({ length: 2 }, () => Math.floor(random() * 2 ** 32).toString(36)).join("");
  let channel: ReportChannel | undefined;
  let sequence = 0;
  let untold: Untold | undefined;
  let takenMs = clock.now();
  let idlePeriods = 0;
  let isClosed = false;
  /** Said once, until it works again. */
  let isFailing = false;

  const disconnect = (): void => {
    channel?.close();
    channel = undefined;
  };
  const next = (): Untold | undefined => {
    if (untold !== undefined) return untold;
    const sinceMs = takenMs;
    takenMs = clock.now();
    if (table.isEmpty) return undefined;
    untold = { bytes: encodeTrafficReport({ run, sequence, series: table.take() }), sinceMs };
    sequence += 1;
    return untold;
  };
  const tell = async (timeoutMs: number): Promise<void> => {
    const report = next();
    idlePeriods = report === undefined ? idlePeriods + 1 : 0;
    if (idlePeriods >= IDLE_PERIODS) disconnect();
    if (report === undefined) return;
    try {
      channel ??= options.connect();
      if (channel === undefined) return giveUpOld(report, "no certificate yet");
      await channel.unary(TRAFFIC_REPORT_PATH, report.bytes, { timeoutMs });
      untold = undefined;
      isFailing = false;
    } catch (error) {
      // The next try finds another replica, or shows a newer certificate.
      disconnect();
      const reason = error instanceof Error ? error.message : String(error);
      if (error instanceof GrpcError && error.status === "INVALID_ARGUMENT") giveUp(reason);
      else giveUpOld(report, reason);
    }
  };
  const giveUpOld = ({ sinceMs }: Untold, reason: string): void => {
    if (clock.now() - sinceMs > MAX_UNTOLD_MS) giveUp(reason);
  };
  const giveUp = (reason: string): void => {
    untold = undefined;
    table.take();
    takenMs = clock.now();
    if (!isFailing) log.warn({ reason }, "traffic not told to the control plane");
    isFailing = true;
  };
  const again = (delayMs: number): (() => void) =>
    clock.after(delayMs, () => {
      void tell(ANSWER_LIMIT_MS).finally(() => {
        if (!isClosed) cancel = again(REPORT_PERIOD_MS);
      });
    });
  let cancel = again(REPORT_PERIOD_MS * random());

  return {
    async close() {
      isClosed = true;
      cancel();
      await tell(LAST_ANSWER_LIMIT_MS);
      disconnect();
    },
  };
}
