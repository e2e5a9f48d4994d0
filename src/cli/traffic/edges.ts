// `meltemi edges`: who calls whom, how well, and by which identities it is secured.

import type { TrafficEnd, TrafficSeriesReport } from "../../admin/contract/control-plane.ts";
import type { CommandContext, CommandInput } from "../command.ts";
import { textOption } from "../command.ts";
import { type ExitCode, exitCodes } from "../exit-code.ts";
import { parseOutputFormat, writeValue } from "../output-format.ts";
import { renderTable } from "../table.ts";
import { shortIdentity } from "./stat.ts";
import { percent, sumCells, sumTitles } from "./sum-cells.ts";
import { type AskedTraffic, askTraffic, noTraffic } from "./traffic-query.ts";
import { groupSeries, sumTraffic, type TrafficSum } from "./traffic-sums.ts";

/** What `-o json` has a list of. */
export interface EdgeRow extends TrafficSum {
  readonly caller: EdgeEnd;
  readonly called: EdgeEnd;
  /** Hosts by which it was called. */
  readonly services: readonly string[];
  /** Who says so: each proves who it is itself, and of the other says what it was shown. The numbers are the caller's, if there are any. */
  readonly toldBy: "both" | "caller" | "called";
}

export interface EdgeEnd {
  /** Absent where nobody knows: outside of the mesh, or nobody was reached. */
  readonly workload?: string;
  readonly namespace?: string;
  /** SPIFFE ids, of what was under mutual TLS. */
  readonly identities: readonly string[];
}

export async function run(context: CommandContext, input: CommandInput): Promise<ExitCode> {
  const format = parseOutputFormat(textOption(input, "output"), ["table", "json", "yaml"]);
  const traffic = await askTraffic(context, input);
  const rows = edgeRows(traffic);
  if (format === "json" || format === "yaml") await writeValue(context.terminal, rows, format);
  else context.terminal.write(rows.length > 0 ? edgeTable(rows) : noTraffic("", traffic.span));
  return exitCodes.done;
}

/** Of the namespace, where one is asked for: edges that begin or end there. */
export function edgeRows({ span, series, namespace }: AskedTraffic): readonly EdgeRow[] {
  const isNear = ({ source, destination }: TrafficSeriesReport) =>
    namespace === undefined || source.namespace === namespace || destination.namespace === namespace;
  const groups = groupSeries(series, (each) => (isNear(each) ? edgeOf(each) : undefined));
  const rows = [...groups.values()].map((group): EdgeRow => {
    const ofCaller = group.filter(({ reporter }) => reporter === "source");
    const ofCalled = group.filter(({ reporter }) => reporter === "destination");
    const isOfBoth = ofCaller.length > 0 && ofCalled.length > 0;
    return {
      caller: endOf(group, ({ source }) => source),
      called: endOf(group, ({ destination }) => destination),
      services: [...new Set(group.map(({ service }) => service))].filter((host) => host !== "").sort(),
      toldBy: isOfBoth ? "both" : ofCaller.length > 0 ? "caller" : "called",
      ...sumTraffic(ofCaller.length > 0 ? ofCaller : ofCalled, span),
    };
  });
  return rows.sort((one, other) => (orderOf(one) < orderOf(other) ? -1 : 1));
}

/** Of a call that reached nobody, the service says where it was to go. */
function edgeOf({ source, destination, service }: TrafficSeriesReport): string {
  const called = destination.workload === "" ? ["", service] : [destination.namespace, destination.workload];
  return [source.namespace, source.workload, ...called].join("\n");
}

function endOf(
  group: readonly TrafficSeriesReport[],
  read: (series: TrafficSeriesReport) => TrafficEnd,
): EdgeEnd {
  const { workload = "", namespace = "" } = group.map(read)[0] ?? {};
  const secured = group.filter(({ security }) => security === "mutual_tls").map(read);
  return {
    ...(workload !== "" && { workload }),
    ...(namespace !== "" && { namespace }),
    identities: [...new Set(secured.map(({ principal }) => principal))].filter((id) => id !== "").sort(),
  };
}

function orderOf({ caller, called, services }: EdgeRow): string {
  return [caller.namespace, caller.workload, called.namespace, called.workload, ...services].join("\n");
}

export function edgeTable(rows: readonly EdgeRow[]): string {
  const titles = ["CALLER", "CALLED", ...sumTitles, "SECURED BY", "TOLD BY"];
  const cells = rows.map((row) => [
    nameOf(row.caller) ?? "unknown",
    nameOf(row.called) ?? (row.services.join(", ") || "unknown"),
    ...sumCells(row),
    securedCell(row),
    row.toldBy,
  ]);
  return renderTable(titles, cells);
}

function nameOf({ workload, namespace }: EdgeEnd): string | undefined {
  if (workload === undefined) return undefined;
  return namespace === undefined ? workload : `${namespace}/${workload}`;
}

function securedCell({ caller, called, mutualTlsShare }: EdgeRow): string | undefined {
  if (mutualTlsShare === undefined) return undefined;
  if (mutualTlsShare === 0) return "nothing";
  const identities = [caller, called].map((end) => end.identities.map(shortIdentity).join(", "));
  const part = mutualTlsShare < 1 ? ` (${percent(mutualTlsShare)})` : "";
  return `${identities.join(" -> ")}${part}`;
}
