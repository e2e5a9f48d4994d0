// What a workload's proxies log of their traffic: Telemetry objects of the mesh, of its namespace and of the workload, each over the
// one before, and beneath them MeshConfig. The rules are Istio's (pilot/pkg/model/telemetry.go, mergeLogs).

import type { ObjectKey } from "../core/object-key.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import { type ClaimedField, claims } from "../kinds/claims.ts";
import { meshConfigKind } from "../kinds/mesh-config/mesh-config.ts";
import { telemetryKind } from "../kinds/telemetry/telemetry.ts";
import type { TelemetryAccessLogging } from "../kinds/telemetry/telemetry-spec.ts";
import { findProvider, isBuiltInLog, STANDARD_OUTPUT } from "./extension-providers.ts";
import type { MeshSettings } from "./mesh-settings.ts";
import { keyOf } from "./sources.ts";
import {
  isOfSide,
  providerNames,
  type Telemetries,
  type TelemetrySide,
  telemetryLevels,
} from "./telemetries.ts";
import { policyChoiceFields, type Workload } from "./workload-policies.ts";

/** Lines that are written to a file. */
export interface AccessLog {
  /** `/dev/stdout` is the proxy's standard output. */
  readonly path: string;
  /** Of a line, or as JSON the text of an object; empty for Istio's default. */
  readonly format: string;
  readonly isJson: boolean;
  /** Empty values are left out, where they would be `-` or null. */
  readonly omitsEmptyValues?: true;
  /** A CEL expression: only what makes it true is logged. */
  readonly filter?: string;
}

/** Each list in the order of providers' names. */
export interface AccessLogs {
  /** Of what the workload calls, and of what a gateway serves. */
  readonly client: readonly AccessLog[];
  /** Of what calls the workload. */
  readonly server: readonly AccessLog[];
  /** The Telemetry objects that decided. */
  readonly sources: readonly ObjectKey[];
}

export const accessLogFields: readonly ClaimedField[] = [
  ...claims(telemetryKind, "spec", policyChoiceFields),
  ...claims(telemetryKind, "spec.accessLogging[]", [
    "match.mode",
    "providers[].name",
    "disabled",
    "filter.expression",
  ]),
  ...claims(meshConfigKind, [
    "spec.accessLogFile",
    "spec.accessLogFormat",
    "spec.accessLogEncoding",
    "spec.defaultProviders.accessLogging",
    "spec.disableEnvoyListenerLog",
  ]),
  ...claims(meshConfigKind, "spec.extensionProviders[].envoyFileAccessLog", [
    "path",
    "logFormat.text",
    "logFormat.labels.*",
    "omitEmptyValues",
  ]),
];

export interface AccessLogging {
  readonly telemetries: Telemetries;
  readonly settings: Table<MeshSettings>;
  /** Of workloads for which no namespace and no selector says another thing. */
  readonly ofMesh: Table<AccessLogs>;
}

export function declareAccessLogging(
  graph: Graph,
  telemetries: Telemetries,
  settings: Table<MeshSettings>,
): AccessLogging {
  const ofMesh = graph.deriveOne<AccessLogs>({
    name: "access logs of the mesh",
    value: (read) => accessLogsOf(read, { telemetries, settings }, NOBODY),
  });
  return { telemetries, settings, ofMesh };
}

const NOBODY: Workload = { namespace: "", labels: {} };

export function accessLogsOf(
  read: Read,
  { telemetries, settings }: Pick<AccessLogging, "telemetries" | "settings">,
  workload: Workload,
): AccessLogs {
  const levels = telemetryLevels(read, telemetries, workload, "accessLogging");
  const entries = levels.map(({ spec }) => spec?.accessLogging ?? []);
  const known = read.one(settings);
  return {
    client: logsOfSide(entries, "CLIENT", known),
    server: logsOfSide(entries, "SERVER", known),
    sources: levels.map(keyOf),
  };
}

type Levels = readonly (readonly TelemetryAccessLogging[])[];

function logsOfSide(levels: Levels, side: TelemetrySide, settings: MeshSettings): readonly AccessLog[] {
  const found = [...chosenProviders(levels, side, settings)]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([name, choice]) => {
      const log = name === OWN ? ownLog(settings) : logOfProvider(name, settings);
      return log === undefined ? [] : [{ log, choice }];
    });
  // Where nobody that is known was chosen, MeshConfig's file holds, as in Istio.
  if (found.length === 0) {
    const own = ownLog(settings);
    return own === undefined ? [] : [own];
  }
  return found.flatMap(({ log, choice: { isDisabled, filter } }) =>
    isDisabled ? [] : [filter === undefined ? log : { ...log, filter }],
  );
}

interface Choice {
  readonly isDisabled: boolean;
  readonly filter: string | undefined;
}

/** Stands for MeshConfig's accessLogFile among providers: what Telemetry says without a name is about it. */
const OWN = "";

function chosenProviders(
  levels: Levels,
  side: TelemetrySide,
  settings: MeshSettings,
): ReadonlyMap<string, Choice> {
  const defaults = settings.defaultAccessLogProviders.length > 0 ? settings.defaultAccessLogProviders : [OWN];
  const inScope = providersInScope(levels, side, defaults);
  const filters = filtersByProvider(levels, side);
  const chosen = new Map<string, Choice>();
  if (levels.length === 0)
    for (const name of defaults) chosen.set(name, { isDisabled: false, filter: undefined });
  let inherited = defaults;
  for (const entry of levels.flat().filter((each) => isOfSide(each, side))) {
    const named = providerNames(entry);
    const isNamed = named.length > 0;
    if (isNamed) inherited = named;
    for (const name of inherited) {
      if (!inScope.has(name)) continue;
      const filter = isNamed ? filters.get(name) : (entry.filter?.expression ?? chosen.get(name)?.filter);
      chosen.set(name, { isDisabled: entry.disabled === true, filter });
    }
  }
  return chosen;
}

/** Of the most specific object that names any. */
function providersInScope(
  levels: Levels,
  side: TelemetrySide,
  defaults: readonly string[],
): ReadonlySet<string> {
  const named = levels
    .map((entries) => entries.filter((entry) => isOfSide(entry, side)).flatMap(providerNames))
    .filter((names) => names.length > 0);
  return new Set(named.at(-1) ?? defaults);
}

/** The last word on each. */
function filtersByProvider(levels: Levels, side: TelemetrySide): ReadonlyMap<string, string | undefined> {
  const entries = levels.flat().filter((entry) => isOfSide(entry, side));
  return new Map(
    entries.flatMap((entry) => providerNames(entry).map((name) => [name, entry.filter?.expression] as const)),
  );
}

function ownLog({
  accessLogFile: path,
  accessLogFormat: format,
  isAccessLogJson: isJson,
}: MeshSettings): AccessLog | undefined {
  return path === "" ? undefined : { path, format, isJson };
}

/** Undefined for one that isn't there, or doesn't write to a file. */
function logOfProvider(name: string, settings: MeshSettings): AccessLog | undefined {
  const file = findProvider(settings, name)?.envoyFileAccessLog;
  if (file === undefined) return undefined;
  const { path = "", logFormat, omitEmptyValues = false } = file;
  const place = path === "" ? STANDARD_OUTPUT : path;
  if (logFormat === undefined && !omitEmptyValues && isBuiltInLog(name)) {
    const { accessLogFormat: format, isAccessLogJson: isJson } = settings;
    return { path: place, format, isJson };
  }
  const { labels, text = "" } = logFormat ?? {};
  const isEmpty = labels === undefined || Object.keys(labels).length === 0;
  return {
    path: place,
    format: labels === undefined ? text : isEmpty ? "" : JSON.stringify(labels),
    isJson: labels !== undefined,
    ...(omitEmptyValues && { omitsEmptyValues: true as const }),
  };
}
