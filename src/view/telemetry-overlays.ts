// Sidecars whose calls are logged or traced otherwise than the mesh's: their outbound listeners are overlays, shared by all for
// whom the same Telemetry objects say the same.

import type { Graph } from "../graph/graph.ts";
import { structurallyEqual } from "../graph/structural-equality.ts";
import type { Table } from "../graph/table.ts";
import type { Model } from "../model/model.ts";
import type { ConnectedProxy } from "./client-scope.ts";
import type { ListenerSettings } from "./listener-inputs.ts";
import { deriveOverlaidRows } from "./overlays.ts";
import type { Profile } from "./profile.ts";
import type { Provenance } from "./provenance.ts";
import type { Scoped } from "./scoped-rows.ts";
import { contentId, distinct } from "./shared-rows.ts";
import { type SideTelemetry, telemetryOfMesh, telemetryOfProxy } from "./workload-telemetry.ts";

export interface TelemetryOverlay {
  readonly id: string;
  readonly telemetry: SideTelemetry;
  readonly provenance: Provenance;
}

export interface TelemetryOverlays {
  /** By the proxy's key; sidecars that log and trace as the mesh does have none. */
  readonly ofProxy: Table<TelemetryOverlay>;
  /** By id. */
  readonly table: Table<TelemetryOverlay>;
}

export function declareTelemetryOverlays(
  graph: Graph,
  model: Model,
  proxies: Table<ConnectedProxy>,
): TelemetryOverlays {
  const ofProxy = graph.derive<ConnectedProxy, TelemetryOverlay>({
    name: "telemetry overlays of proxies",
    from: proxies,
    rows(key, proxy, read) {
      if (proxy.kind !== "sidecar") return [];
      const { client, provenance } = telemetryOfProxy(read, model, proxy);
      if (structurallyEqual(client, telemetryOfMesh(read, model).client)) return [];
      const content = { telemetry: client, provenance };
      return [[key, { id: contentId(content), ...content }]];
    },
  });
  return { ofProxy, table: distinct(graph, "telemetry overlays", ofProxy) };
}

interface ObservedInputs {
  /** Absent where the listener has none. */
  readonly http?: object;
  readonly settings: ListenerSettings;
  readonly provenance: Provenance;
}

export interface ObservedClients {
  readonly overlays: Table<TelemetryOverlay>;
  readonly profiles: Table<Profile>;
}

/** Rows by overlaid layer and name. */
export function declareObservedListeners<T extends ObservedInputs>(
  graph: Graph,
  base: Table<Scoped<T>>,
  { overlays, profiles }: ObservedClients,
): Table<Scoped<T>> {
  return deriveOverlaidRows<Scoped<T>, TelemetryOverlay, Scoped<T>>(graph, {
    name: `${base.name} that log or trace otherwise`,
    type: "listener",
    base,
    overlays,
    profiles,
    touches: (row, { telemetry }) => row.kind === "present" && isSeenIn(row.inputs, telemetry),
    apply(row, { telemetry, provenance }) {
      if (row.kind === "absent") return row;
      const { accessLogs: _, tracing: __, ...settings } = row.inputs.settings;
      return {
        kind: "present",
        inputs: { ...row.inputs, settings: { ...settings, ...telemetry }, provenance },
      };
    },
  });
}

/** Nothing but HTTP is traced, so other listeners stay as they are where only that differs. */
function isSeenIn({ http, settings: { accessLogs, tracing } }: ObservedInputs, own: SideTelemetry): boolean {
  if (!structurallyEqual(accessLogs, own.accessLogs)) return true;
  return http !== undefined && !structurallyEqual(tracing, own.tracing);
}
