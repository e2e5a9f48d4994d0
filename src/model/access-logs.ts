// What a workload's proxies log of their traffic: Telemetry objects of the mesh, of its namespace and of the workload, each over the
// one before, and beneath them MeshConfig. The rules are Istio's (pilot/pkg/model/telemetry.go, mergeLogs).

import type { ObjectKey } from "../core/object-key.ts";
import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import { type ClaimedField, claims } from "../kinds/claims.ts";
import type { ExtensionProvider } from "../kinds/mesh-config/extension-provider.ts";
import { meshConfigKind } from "../kinds/mesh-config/mesh-config.ts";
import { type Telemetry, telemetryKind } from "../kinds/telemetry/telemetry.ts";
import type { TelemetryAccessLogging } from "../kinds/telemetry/telemetry-spec.ts";
import type { MeshSettings } from "./mesh-settings.ts";
import { keyOf, type Sources } from "./sources.ts";
import {
  declareWorkloadPolicies,
  policiesOf,
  type Workload,
  type WorkloadPolicies,
} from "./workload-policies.ts";

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
  ...claims(telemetryKind, "spec", [
    "selector.matchLabels.*",
    ...(["targetRef.group", "targetRef.kind", "targetRef.name", "targetRef.namespace"] as const),
    ...(["targetRefs[].group", "targetRefs[].kind", "targetRefs[].name", "targetRefs[].namespace"] as const),
  ]),
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
  readonly policies: WorkloadPolicies<Telemetry>;
  readonly settings: Table<MeshSettings>;
  /** Of workloads for which no namespace and no selector says another thing. */
  readonly ofMesh: Table<AccessLogs>;
}

export function declareAccessLogging(
  graph: Graph,
  sources: Sources,
  settings: Table<MeshSettings>,
): AccessLogging {
  const policies = declareTelemetries(graph, sources, settings);
  const ofMesh = graph.deriveOne<AccessLogs>({
    name: "access logs of the mesh",
    value: (read) => accessLogsOf(read, { policies, settings }, NOBODY),
  });
  return { policies, settings, ofMesh };
}

const NOBODY: Workload = { namespace: "", labels: {} };

export function declareTelemetries(
  graph: Graph,
  sources: Sources,
  settings: Table<MeshSettings>,
): WorkloadPolicies<Telemetry> {
  return declareWorkloadPolicies(graph, settings, {
    name: "Telemetry",
    table: sources.Telemetry,
    choiceOf({ spec = {} }) {
      const { selector, targetRef, targetRefs = [] } = spec;
      const targets = targetRef === undefined ? targetRefs : [targetRef, ...targetRefs];
      return { labels: selector?.matchLabels, targets };
    },
    rootLabelsChooseFrom: "its own namespace",
  });
}

export function accessLogsOf(
  read: Read,
  { policies, settings }: Pick<AccessLogging, "policies" | "settings">,
  workload: Workload,
): AccessLogs {
  const { mesh, namespace, workload: own } = policiesOf(read, policies, workload);
  const levels = [mesh[0], namespace[0], own[0]].flatMap((each) =>
    each?.spec?.accessLogging === undefined || each.spec.accessLogging.length === 0 ? [] : [each],
  );
  const entries = levels.map(({ spec }) => spec?.accessLogging ?? []);
  const known = read.one(settings);
  return {
    client: logsOfSide(entries, "CLIENT", known),
    server: logsOfSide(entries, "SERVER", known),
    sources: levels.map(keyOf),
  };
}

type Side = "CLIENT" | "SERVER";
type Levels = readonly (readonly TelemetryAccessLogging[])[];

function logsOfSide(levels: Levels, side: Side, settings: MeshSettings): readonly AccessLog[] {
  const found = [...chosenProviders(levels, side, settings)]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([name, choice]) => {
      const log = name === OWN ? ownLog(settings) : logOfProvider(name, settings);
      return log === undefined ? [] : [{ log, choice }];
    });
  // Where nobody that is known was chosen, MeshConfig's file holds, as in Istio.
  if (found.length === 0) return ownLog(settings) ?? [];
  return found.flatMap(({ log, choice: { isDisabled, filter } }) =>
    isDisabled ? [] : log.map((each) => (filter === undefined ? each : { ...each, filter })),
  );
}

interface Choice {
  readonly isDisabled: boolean;
  readonly filter: string | undefined;
}

/** Stands for MeshConfig's accessLogFile among providers: what Telemetry says without a name is about it. */
const OWN = "";

function chosenProviders(levels: Levels, side: Side, settings: MeshSettings): ReadonlyMap<string, Choice> {
  const defaults = settings.defaultAccessLogProviders.length > 0 ? settings.defaultAccessLogProviders : [OWN];
  const inScope = providersInScope(levels, side, defaults);
  const filters = filtersByProvider(levels, side);
  const chosen = new Map<string, Choice>();
  if (levels.length === 0)
    for (const name of defaults) chosen.set(name, { isDisabled: false, filter: undefined });
  let inherited = defaults;
  for (const entry of levels.flat().filter((each) => isFor(each, side))) {
    const named = namesOf(entry);
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
function providersInScope(levels: Levels, side: Side, defaults: readonly string[]): ReadonlySet<string> {
  const named = levels
    .map((entries) => entries.filter((entry) => isFor(entry, side)).flatMap(namesOf))
    .filter((names) => names.length > 0);
  return new Set(named.at(-1) ?? defaults);
}

/** The last word on each. */
function filtersByProvider(levels: Levels, side: Side): ReadonlyMap<string, string | undefined> {
  const entries = levels.flat().filter((entry) => isFor(entry, side));
  return new Map(
    entries.flatMap((entry) => namesOf(entry).map((name) => [name, entry.filter?.expression] as const)),
  );
}

function namesOf({ providers = [] }: TelemetryAccessLogging): readonly string[] {
  return providers.map(({ name }) => name);
}

function isFor({ match }: TelemetryAccessLogging, side: Side): boolean {
  const mode = match?.mode ?? "CLIENT_AND_SERVER";
  return mode === "CLIENT_AND_SERVER" || mode === side;
}

function ownLog({
  accessLogFile: path,
  accessLogFormat: format,
  isAccessLogJson: isJson,
}: MeshSettings): readonly AccessLog[] | undefined {
  return path === "" ? undefined : [{ path, format, isJson }];
}

/** Istio's own provider, which needs no declaration. */
const BUILT_IN = "envoy";
const STANDARD_OUTPUT = "/dev/stdout";

/** Names count as Istio compares them, whatever their case. */
export function findProvider(
  { extensionProviders }: Pick<MeshSettings, "extensionProviders">,
  name: string,
): ExtensionProvider | undefined {
  const wanted = name.toLowerCase();
  const found = extensionProviders.find((each) => each.name?.toLowerCase() === wanted);
  if (found !== undefined || wanted !== BUILT_IN) return found;
  return { name: BUILT_IN, envoyFileAccessLog: { path: STANDARD_OUTPUT } };
}

/** Undefined for one that isn't there, or doesn't write to a file. */
function logOfProvider(name: string, settings: MeshSettings): readonly AccessLog[] | undefined {
  const file = findProvider(settings, name)?.envoyFileAccessLog;
  if (file === undefined) return undefined;
  const { path = "", logFormat, omitEmptyValues = false } = file;
  const place = path === "" ? STANDARD_OUTPUT : path;
  if (logFormat === undefined && !omitEmptyValues && name.toLowerCase() === BUILT_IN) {
    const { accessLogFormat: format, isAccessLogJson: isJson } = settings;
    return [{ path: place, format, isJson }];
  }
  const { labels, text = "" } = logFormat ?? {};
  const isEmpty = labels === undefined || Object.keys(labels).length === 0;
  return [
    {
      path: place,
      format: labels === undefined ? text : isEmpty ? "" : JSON.stringify(labels),
      isJson: labels !== undefined,
      ...(omitEmptyValues && { omitsEmptyValues: true as const }),
    },
  ];
}
