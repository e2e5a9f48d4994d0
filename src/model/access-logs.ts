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
import { type AccessLog, ownLogs, resolveLog } from "./log-providers.ts";
import type { MeshSettings } from "./mesh-settings.ts";
import type { ProviderClients, ServiceTables } from "./provider-server.ts";
import { keyOf } from "./sources.ts";
import {
  isOfSide,
  providerNames,
  type Telemetries,
  type TelemetrySide,
  telemetryLevels,
} from "./telemetries.ts";
import { policyChoiceFields, type Workload } from "./workload-policies.ts";

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
  ...claims(meshConfigKind, ["spec.defaultProviders.accessLogging", "spec.disableEnvoyListenerLog"]),
];

export interface AccessLogging extends AccessLogTables {
  /** Of workloads for which no namespace and no selector says another thing. */
  readonly ofMesh: Table<AccessLogs>;
}

export interface AccessLogTables extends ServiceTables {
  readonly telemetries: Telemetries;
  readonly settings: Table<MeshSettings>;
}

export function declareAccessLogging(graph: Graph, tables: AccessLogTables): AccessLogging {
  const ofMesh = graph.deriveOne<AccessLogs>({
    name: "access logs of the mesh",
    value: (read) => accessLogsOf(read, tables, NOBODY),
  });
  return { ...tables, ofMesh };
}

const NOBODY: Workload = { namespace: "", labels: {} };

export function accessLogsOf(read: Read, tables: AccessLogTables, workload: Workload): AccessLogs {
  const levels = telemetryLevels(read, tables.telemetries, workload, "accessLogging");
  const entries = levels.map(({ spec }) => spec?.accessLogging ?? []);
  const clients = { ...tables, namespace: workload.namespace };
  return {
    client: logsOfSide(entries, "CLIENT", { clients, read }),
    server: logsOfSide(entries, "SERVER", { clients, read }),
    sources: levels.map(keyOf),
  };
}

type Levels = readonly (readonly TelemetryAccessLogging[])[];

interface Context {
  readonly clients: ProviderClients;
  readonly read: Read;
}

function logsOfSide(levels: Levels, side: TelemetrySide, { clients, read }: Context): readonly AccessLog[] {
  const found = [...chosenProviders(levels, side, read.one(clients.settings))]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([name, choice]) => {
      const logs = name === OWN ? ownLogs(clients, read) : [resolveLog(name, clients, read)];
      return logs.flatMap((log) => (log === undefined ? [] : [{ log, choice }]));
    });
  // Where nobody that is known was chosen, MeshConfig's own hold, as in Istio.
  if (found.length === 0) return ownLogs(clients, read);
  return found.flatMap(({ log, choice: { isDisabled, filter } }) =>
    isDisabled ? [] : [filter === undefined ? log : { ...log, filter }],
  );
}

interface Choice {
  readonly isDisabled: boolean;
  readonly filter: string | undefined;
}

/** Stands for MeshConfig's own logs among providers: what Telemetry says without a name is about it. */
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
