// `meltemi stat`: success, rates, times and bytes by workload, service, route or namespace, from what proxies report.

import type { TrafficEnd, TrafficSeriesReport } from "../../admin/contract/control-plane.ts";
import type { CommandContext, CommandInput } from "../command.ts";
import { textArgument, textOption } from "../command.ts";
import { CommandFailure, type ExitCode, exitCodes } from "../exit-code.ts";
import { parseOutputFormat, writeValue } from "../output-format.ts";
import { renderTable } from "../table.ts";
import { percent, sumCells, sumTitles } from "./sum-cells.ts";
import { type AskedTraffic, askTraffic, noTraffic } from "./traffic-query.ts";
import { groupSeries, sumTraffic, type TrafficSum } from "./traffic-sums.ts";

/** What `-o json` has a list of. */
export interface StatRow extends TrafficSum {
  readonly name: string;
  /** Absent for a service that isn't of a namespace. */
  readonly namespace?: string;
  /** `in`: what it served, as it says itself; `out`: what it called, as it says itself. Services: as callers say. */
  readonly direction: "in" | "out";
  /** SPIFFE ids by which the own end was secured. */
  readonly identities: readonly string[];
  readonly route?: string;
}

type StatSubject = "workload" | "service" | "route" | "namespace";

const subjectsByWord: Readonly<Record<string, StatSubject>> = {
  ...{ workload: "workload", workloads: "workload", deploy: "workload", deployment: "workload" },
  ...{ deployments: "workload", sts: "workload", statefulset: "workload", statefulsets: "workload" },
  ...{ ds: "workload", daemonset: "workload", daemonsets: "workload", job: "workload", jobs: "workload" },
  ...{ service: "service", services: "service", svc: "service" },
  ...{ route: "route", routes: "route" },
  ...{ namespace: "namespace", namespaces: "namespace", ns: "namespace" },
};

export async function run(context: CommandContext, input: CommandInput): Promise<ExitCode> {
  const format = parseOutputFormat(textOption(input, "output"), ["table", "json", "yaml"]);
  const wanted = parseSubject(textArgument(input, 0) ?? "workload");
  const traffic = await askTraffic(context, input);
  const rows = statRows(traffic, wanted);
  if (format === "json" || format === "yaml") await writeValue(context.terminal, rows, format);
  else context.terminal.write(rows.length > 0 ? statTable(rows, wanted.subject) : nothing(wanted, traffic));
  return exitCodes.done;
}

export interface WantedStat {
  readonly subject: StatSubject;
  readonly name: string | undefined;
}

/** `services`, or `svc/reviews`. */
export function parseSubject(text: string): WantedStat {
  const [word = "", name, ...rest] = text.split("/");
  const subject = subjectsByWord[word.toLowerCase()];
  if (subject !== undefined && name !== "" && rest.length === 0) return { subject, name };
  throw new CommandFailure(
    exitCodes.usage,
    `Cannot show the traffic of "${text}"`,
    "name what: workloads, services, routes or namespaces, or one of them: deploy/reviews-v1, svc/reviews",
  );
}

function nothing({ subject, name }: WantedStat, { span }: AskedTraffic): string {
  return noTraffic(name === undefined ? "" : ` of ${subject} "${name}"`, span);
}

interface Place {
  readonly name: string;
  readonly namespace: string;
  readonly direction: "in" | "out";
  readonly route?: string;
}

/** In the order of namespaces and names; routes by how much they are used. */
export function statRows(
  { span, series, namespace }: AskedTraffic,
  { subject, name }: WantedStat,
): readonly StatRow[] {
  const places = new Map<string, Place>();
  const groups = groupSeries(series, (each) => {
    const place = placeOf(each, subject);
    if (place === undefined || !isWanted(place, { name, namespace })) return undefined;
    const key = [place.namespace, place.name, place.route, place.direction].join("\n");
    places.set(key, place);
    return key;
  });
  const rows = [...groups].map(([key, group]): StatRow => {
    const { name: title = "", namespace: home = "", direction = "in", route } = places.get(key) ?? {};
    return {
      name: title,
      ...(home !== "" && { namespace: home }),
      ...(route !== undefined && { route }),
      direction,
      ...sumTraffic(group, span),
      identities: identitiesOf(group, subject),
    };
  });
  return rows.sort(subject === "route" ? byUse : byName);
}

/** What a service is like, callers know: also what never reached it. What a workload does, it knows itself. */
function placeOf(series: TrafficSeriesReport, subject: StatSubject): Place | undefined {
  const { reporter, service, route } = series;
  if (subject === "service" || subject === "route") {
    if (reporter !== "source" || service === "") return undefined;
    const place = { name: service, namespace: namespaceOfHost(service), direction: "in" } as const;
    return subject === "route" ? { ...place, route: route || "-" } : place;
  }
  const { workload, namespace } = ownEnd(series);
  const name = subject === "namespace" ? namespace : workload;
  if (name === "") return undefined;
  return { name, namespace, direction: reporter === "destination" ? "in" : "out" };
}

function ownEnd({ reporter, source, destination }: TrafficSeriesReport): TrafficEnd {
  return reporter === "source" ? source : destination;
}

/** Of `reviews.shop.svc.cluster.local`; empty for another host. */
export function namespaceOfHost(host: string): string {
  return /^[^.]+\.([^.]+)\.svc\./.exec(host)?.[1] ?? "";
}

function isWanted(
  place: Place,
  { name, namespace }: { name: string | undefined; namespace: string | undefined },
) {
  if (namespace !== undefined && place.namespace !== namespace) return false;
  const [short = ""] = place.name.split(".");
  const names = [place.name, short, `${short}.${place.namespace}`];
  return name === undefined || names.includes(name);
}

function identitiesOf(series: readonly TrafficSeriesReport[], subject: StatSubject): readonly string[] {
  const isOfService = subject === "service" || subject === "route";
  const secured = series.filter(({ security }) => security === "mutual_tls");
  const ends = secured.map((each) => (isOfService ? each.destination : ownEnd(each)));
  return [...new Set(ends.map(({ principal }) => principal))].filter((id) => id !== "").sort();
}

function byName(one: StatRow, other: StatRow): number {
  const key = (row: StatRow) => [row.namespace ?? "", row.name, row.direction].join("\n");
  return key(one) < key(other) ? -1 : 1;
}

function byUse(one: StatRow, other: StatRow): number {
  return other.requests - one.requests || byName(one, other);
}

export function statTable(rows: readonly StatRow[], subject: StatSubject): string {
  const hasDirection = subject === "workload" || subject === "namespace";
  const titles = [
    ...(subject === "namespace" ? [] : ["NAMESPACE"]),
    subject === "route" ? "SERVICE" : subject.toUpperCase(),
    ...(subject === "route" ? ["ROUTE"] : []),
    ...(hasDirection ? ["DIRECTION"] : []),
    ...[...sumTitles, "MTLS", "IDENTITY"],
  ];
  const cells = rows.map((row) => [
    ...(subject === "namespace" ? [] : [row.namespace]),
    row.name,
    ...(subject === "route" ? [row.route] : []),
    ...(hasDirection ? [row.direction] : []),
    ...sumCells(row),
    percent(row.mutualTlsShare),
    row.identities.map(shortIdentity).join(", "),
  ]);
  return renderTable(titles, cells);
}

/** `shop/reviews`, of `spiffe://cluster.local/ns/shop/sa/reviews`. */
export function shortIdentity(principal: string): string {
  const [, namespace, account] = /\/ns\/([^/]+)\/sa\/([^/]+)$/.exec(principal) ?? [];
  return namespace === undefined ? principal : `${namespace}/${account}`;
}
