// What a workload's listeners log and trace, by all that Telemetry objects and MeshConfig say of it.

import type { Read } from "../graph/read.ts";
import { accessLogsOf } from "../model/access-logs.ts";
import type { Model } from "../model/model.ts";
import { tracingOf } from "../model/tracing.ts";
import type { Workload } from "../model/workload-policies.ts";
import { type ConnectedProxy, workloadOf } from "./client-scope.ts";
import type { ListenerSettings } from "./listener-inputs.ts";
import type { Provenance } from "./provenance.ts";

/** Of the listeners of one side. What isn't logged or traced is absent. */
export type SideTelemetry = Pick<ListenerSettings, "accessLogs" | "tracing">;

export interface WorkloadTelemetry {
  /** Of what the workload calls, and of what a gateway serves. */
  readonly client: SideTelemetry;
  /** Of what calls the workload. */
  readonly server: SideTelemetry;
  /** The Telemetry objects that decided, each once. */
  readonly provenance: Provenance;
}

type TelemetryModel = Pick<Model, "accessLogging" | "tracing">;

export function telemetryOf(read: Read, model: TelemetryModel, workload: Workload): WorkloadTelemetry {
  return together(
    accessLogsOf(read, model.accessLogging, workload),
    tracingOf(read, model.tracing, workload),
  );
}

/** Of workloads for which no Telemetry of a namespace or workload says another thing. */
export function telemetryOfMesh(read: Read, { accessLogging, tracing }: TelemetryModel): WorkloadTelemetry {
  return together(read.one(accessLogging.ofMesh), read.one(tracing.ofMesh));
}

/** What a proxy says of itself counts only where no pod is known. */
export function telemetryOfProxy(read: Read, model: Model, proxy: ConnectedProxy): WorkloadTelemetry {
  const labels = workloadOf(proxy, model, read)?.labels ?? proxy.labels;
  return telemetryOf(read, model, { namespace: proxy.namespace, labels });
}

type Logs = ReturnType<typeof accessLogsOf>;
type Traces = ReturnType<typeof tracingOf>;

function together(logs: Logs, tracing: Traces): WorkloadTelemetry {
  const sideOf = (side: "client" | "server"): SideTelemetry => ({
    ...(logs[side].length > 0 && { accessLogs: logs[side] }),
    ...(tracing[side] !== undefined && { tracing: tracing[side] }),
  });
  const objects = new Set([...logs.sources, ...tracing.sources]);
  return {
    client: sideOf("client"),
    server: sideOf("server"),
    provenance: [...objects].map((object) => ({ object })),
  };
}
