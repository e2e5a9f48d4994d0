// What commands about traffic ask for: the window, the namespace, how it is printed.

import type { TrafficSeriesReport } from "../../admin/contract/control-plane.ts";
import { parseDurationMs } from "../../core/duration.ts";
import { withMesh } from "../choose-mesh.ts";
import type { CommandContext, CommandInput } from "../command.ts";
import { textOption } from "../command.ts";
import { CommandFailure, exitCodes } from "../exit-code.ts";
import { formatAge } from "../table.ts";
import { spanOf, type TrafficSpan } from "./traffic-sums.ts";

export interface AskedTraffic {
  readonly span: TrafficSpan;
  readonly series: readonly TrafficSeriesReport[];
  readonly namespace: string | undefined;
}

const DEFAULT_WINDOW = "1m";
const MIN_WINDOW_MS = 10_000;
const MAX_WINDOW_MS = 3_600_000;

export async function askTraffic(context: CommandContext, input: CommandInput): Promise<AskedTraffic> {
  const windowMs = parseWindow(textOption(input, "window") ?? DEFAULT_WINDOW);
  const reports = await withMesh(context, input, (mesh) => mesh.traffic(windowMs));
  const series = reports.flatMap((report) => report.series);
  return { span: spanOf(reports), series, namespace: textOption(input, "namespace") };
}

export function parseWindow(text: string): number {
  const windowMs = parseDurationMs(text);
  if (windowMs !== undefined && windowMs >= MIN_WINDOW_MS && windowMs <= MAX_WINDOW_MS)
    return Math.round(windowMs);
  const message = `Cannot look at the last "${text}": --window takes 10s to 1h`;
  throw new CommandFailure(exitCodes.usage, message);
}

/** In place of a table without rows. */
export function noTraffic(what: string, { seconds }: TrafficSpan): string {
  return `No traffic${what} in the last ${formatAge(seconds * 1000)}; proxies report every 5 s\n`;
}
