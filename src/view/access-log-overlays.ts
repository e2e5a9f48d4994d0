// Sidecars whose calls are logged otherwise than the mesh's: their outbound listeners are overlays, shared by all for whom
// the same Telemetry objects say the same.

import type { Graph } from "../graph/graph.ts";
import { structurallyEqual } from "../graph/structural-equality.ts";
import type { Table } from "../graph/table.ts";
import { type AccessLog, accessLogsOf } from "../model/access-logs.ts";
import type { Model } from "../model/model.ts";
import { type ConnectedProxy, workloadOf } from "./client-scope.ts";
import type { ListenerSettings } from "./listener-inputs.ts";
import { deriveOverlaidRows } from "./overlays.ts";
import type { Profile } from "./profile.ts";
import type { Provenance } from "./provenance.ts";
import type { Scoped } from "./scoped-rows.ts";
import { contentId, distinct } from "./shared-rows.ts";

export interface AccessLogOverlay {
  readonly id: string;
  readonly accessLogs: readonly AccessLog[];
  readonly provenance: Provenance;
}

export interface AccessLogOverlays {
  /** By the proxy's key; sidecars that log as the mesh does have none. */
  readonly ofProxy: Table<AccessLogOverlay>;
  /** By id. */
  readonly table: Table<AccessLogOverlay>;
}

export function declareAccessLogOverlays(
  graph: Graph,
  model: Model,
  proxies: Table<ConnectedProxy>,
): AccessLogOverlays {
  const { accessLogging } = model;
  const ofProxy = graph.derive<ConnectedProxy, AccessLogOverlay>({
    name: "access log overlays of proxies",
    from: proxies,
    rows(key, proxy, read) {
      if (proxy.kind !== "sidecar") return [];
      const mesh = read.one(accessLogging.ofMesh);
      // What a proxy says of itself counts only where no pod is known.
      const labels = workloadOf(proxy, model, read)?.labels ?? proxy.labels;
      const { client, sources } = accessLogsOf(read, accessLogging, { namespace: proxy.namespace, labels });
      if (structurallyEqual(client, mesh.client)) return [];
      const content = { accessLogs: client, provenance: sources.map((object) => ({ object })) };
      return [[key, { id: contentId(content), ...content }]];
    },
  });
  return { ofProxy, table: distinct(graph, "access log overlays", ofProxy) };
}

interface LoggedInputs {
  readonly settings: ListenerSettings;
  readonly provenance: Provenance;
}

export interface LoggedClients {
  readonly overlays: Table<AccessLogOverlay>;
  readonly profiles: Table<Profile>;
}

/** Rows by overlaid layer and name. */
export function declareLoggedListeners<T extends LoggedInputs>(
  graph: Graph,
  base: Table<Scoped<T>>,
  { overlays, profiles }: LoggedClients,
): Table<Scoped<T>> {
  return deriveOverlaidRows<Scoped<T>, AccessLogOverlay, Scoped<T>>(graph, {
    name: `${base.name} that log otherwise`,
    type: "listener",
    base,
    overlays,
    profiles,
    touches: ({ kind }) => kind === "present",
    apply: (row, { accessLogs, provenance }) =>
      row.kind === "absent"
        ? row
        : {
            kind: "present",
            inputs: { ...row.inputs, settings: { ...row.inputs.settings, accessLogs }, provenance },
          },
  });
}
