// `meltemi top pushes`: what the control plane sent to its proxies, why, and how soon they had it.

import type { PushReport } from "../../admin/contract/control-plane.ts";
import { withMesh } from "../choose-mesh.ts";
import type { CommandContext, CommandInput } from "../command.ts";
import { textOption } from "../command.ts";
import { type ExitCode, exitCodes } from "../exit-code.ts";
import { parseOutputFormat, writeValue } from "../output-format.ts";
import { formatAge, renderTable } from "../table.ts";
import { parseLimit } from "./limit.ts";

export async function run(context: CommandContext, input: CommandInput): Promise<ExitCode> {
  const format = parseOutputFormat(textOption(input, "output"), ["table", "json", "yaml"]);
  const limit = parseLimit(textOption(input, "limit"), "pushes");
  const pushes = (await withMesh(context, input, (mesh) => mesh.pushes(limit))).slice(0, limit);
  if (format === "json" || format === "yaml") await writeValue(context.terminal, pushes, format);
  else context.terminal.write(pushTable(pushes, Date.now()));
  return exitCodes.done;
}

export function pushTable(pushes: readonly PushReport[], nowMs: number): string {
  if (pushes.length === 0) return "Nothing was pushed yet\n";
  const hasReplicas = pushes.some(({ controlPlane }) => controlPlane !== undefined);
  const titles = ["AGE", "CAUSE", "PROXIES", "IN STEP", "AFTER", "RESPONSES", "BYTES", "CPU"];
  const rows = pushes.map((push) => [
    formatAge(nowMs - Date.parse(push.at)),
    causeCell(push),
    String(push.proxyCount),
    inStepCell(push),
    push.inStepAfterMs === undefined ? undefined : `${push.inStepAfterMs} ms`,
    responseCell(push),
    bytesCell(push.bytes),
    `${push.cpuMs.toFixed(1)} ms`,
    ...(hasReplicas ? [push.controlPlane] : []),
  ]);
  return renderTable(hasReplicas ? [...titles, "CONTROL PLANE"] : titles, rows);
}

function causeCell({ trigger, causes: [first], causeCount }: PushReport): string {
  if (first === undefined) return trigger;
  const { what, location } = first;
  const place = location === undefined ? "" : ` (${location})`;
  return causeCount > 1 ? `${what}${place} and ${causeCount - 1} more` : `${what}${place}`;
}

function inStepCell({ proxyCount, inStepCount, leftCount }: PushReport): string {
  const awaited = proxyCount - inStepCount - leftCount;
  const parts = [
    ...(awaited > 0 ? [`${awaited} awaited`] : []),
    ...(leftCount > 0 ? [`${leftCount} gone`] : []),
  ];
  return parts.length === 0 ? String(inStepCount) : `${inStepCount} (${parts.join(", ")})`;
}

function responseCell({ responseCount, refusedCount }: PushReport): string {
  return refusedCount === 0 ? String(responseCount) : `${responseCount} (${refusedCount} refused)`;
}

function bytesCell(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
