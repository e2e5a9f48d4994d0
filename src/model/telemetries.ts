// Which Telemetry objects speak of a workload: those of the mesh, of its namespace and of the workload. What each part of
// them says (access logs and the rest) is merged in a file of its own.

import type { Graph } from "../graph/graph.ts";
import type { Read } from "../graph/read.ts";
import type { Table } from "../graph/table.ts";
import type { Telemetry } from "../kinds/telemetry/telemetry.ts";
import type { MeshSettings } from "./mesh-settings.ts";
import type { Sources } from "./sources.ts";
import {
  choiceOfSpec,
  declareWorkloadPolicies,
  policiesOf,
  type Workload,
  type WorkloadPolicies,
} from "./workload-policies.ts";

export type Telemetries = WorkloadPolicies<Telemetry>;

type TelemetryPart = Exclude<keyof NonNullable<Telemetry["spec"]>, "selector" | "targetRef" | "targetRefs">;

/** `CLIENT`: what the workload calls, and what a gateway serves. `SERVER`: what calls the workload. */
export type TelemetrySide = "CLIENT" | "SERVER";

export function declareTelemetries(
  graph: Graph,
  sources: Sources,
  settings: Table<MeshSettings>,
): Telemetries {
  return declareWorkloadPolicies(graph, settings, {
    name: "Telemetry",
    table: sources.Telemetry,
    choiceOf: ({ spec = {} }) => choiceOfSpec(spec),
    rootLabelsChooseFrom: "its own namespace",
  });
}

/** The oldest of the mesh, of the namespace and of the workload, in this order; without those that say nothing of the part. */
export function telemetryLevels(
  read: Read,
  telemetries: Telemetries,
  workload: Workload,
  part: TelemetryPart,
): readonly Telemetry[] {
  const { mesh, namespace, workload: own } = policiesOf(read, telemetries, workload);
  return [mesh[0], namespace[0], own[0]].flatMap((each) => {
    const entries = each?.spec?.[part] ?? [];
    return each === undefined || entries.length === 0 ? [] : [each];
  });
}

export function providerNames({
  providers = [],
}: {
  readonly providers?: readonly { readonly name: string }[];
}): readonly string[] {
  return providers.map(({ name }) => name);
}

export function isOfSide(
  { match }: { readonly match?: { readonly mode?: string } },
  side: TelemetrySide,
): boolean {
  const mode = match?.mode ?? "CLIENT_AND_SERVER";
  return mode === "CLIENT_AND_SERVER" || mode === side;
}
