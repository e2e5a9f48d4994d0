// The dashboard of the control plane: what it sends and to whom, what is refused, what it signs and injects, what it costs.

import { type Dashboard, type Panel, quantiles, rate, sumBy } from "./dashboard.ts";

const OF_CONTROL_PLANE = 'app="istiod"';

/** `queries`: what is drawn, by legend. */
function panel(
  title: string,
  { unit, description, ...queries }: Pick<Panel, "unit" | "description"> & { readonly draws: DrawnQueries },
): Panel {
  const drawn = Object.entries(queries.draws).map(([legend, promql]) => ({ legend, promql }));
  return { title, description, kind: "timeseries", unit, queries: drawn };
}

type DrawnQueries = Readonly<Record<string, string>>;

/** A counter with labels has no series before its first event. */
function orNone(promql: string): string {
  return `${promql} or vector(0)`;
}

export const controlPlaneDashboard: Dashboard = {
  name: "control-plane",
  title: "Meltemi: control plane",
  variables: [],
  rows: [
    {
      title: "What proxies get",
      panels: [
        panel("Streams", {
          unit: "short",
          description: "Connected proxies, as the control plane and as they themselves tell",
          draws: {
            served: sumBy([], "pilot_xds"),
            "held by proxies": sumBy([], 'envoy_cluster_upstream_cx_active{cluster_name="xds-grpc"}'),
          },
        }),
        panel("Responses", {
          unit: "ops",
          description: "xDS responses a second, by type",
          draws: { "{{type}}": sumBy(["type"], rate("pilot_xds_pushes")) },
        }),
        panel("Bytes", {
          unit: "Bps",
          description: "Of xDS responses, by type",
          draws: { "{{type}}": sumBy(["type"], rate("meltemi_xds_sent_bytes_total")) },
        }),
        panel("Refused", {
          unit: "short",
          description:
            "Responses that proxies refused since the control plane started: `meltemi proxy-status` says which and why",
          draws: { refused: orNone(sumBy([], "pilot_total_xds_rejects")) },
        }),
        {
          title: "Time until proxies have it",
          description: "From a change until a proxy has acknowledged all that it was sent for it",
          kind: "timeseries",
          unit: "s",
          queries: quantiles({ name: "pilot_proxy_convergence_time", matchers: OF_CONTROL_PLANE }),
        },
      ],
    },
    {
      title: "What it is told",
      panels: [
        panel("Pushes", {
          unit: "ops",
          description: "By what made them",
          draws: { "{{type}}": sumBy(["type"], rate("pilot_push_triggers")) },
        }),
        panel("Changes of objects", {
          unit: "ops",
          description: "Of Services, pods and endpoints, and of configuration",
          draws: {
            "registry: {{type}}": sumBy(["type"], rate("pilot_k8s_reg_events")),
            "configuration: {{type}}": sumBy(["type"], rate("pilot_k8s_cfg_events")),
          },
        }),
        panel("Objects", {
          unit: "short",
          description: "Services and VirtualServices of the mesh",
          draws: { services: sumBy([], "pilot_services"), VirtualServices: sumBy([], "pilot_virt_services") },
        }),
      ],
    },
    {
      title: "What it signs and decides",
      panels: [
        panel("Certificates", {
          unit: "ops",
          description: "Asked for and signed a second",
          draws: {
            asked: sumBy([], rate("citadel_server_csr_count")),
            signed: sumBy([], rate("citadel_server_success_cert_issuance_count")),
          },
        }),
        panel("Signing certificate", {
          unit: "s",
          description: "Time that is left of it",
          draws: { left: "min(citadel_server_root_cert_expiry_timestamp) - time()" },
        }),
        panel("Injection", {
          unit: "ops",
          description: "Pods that got a sidecar, or were refused",
          draws: {
            injected: sumBy([], rate("sidecar_injection_success_total")),
            refused: sumBy([], rate("sidecar_injection_failure_total")),
          },
        }),
        panel("Validation", {
          unit: "ops",
          description: "Objects that the webhook let in, or refused",
          draws: {
            passed: orNone(sumBy([], rate("galley_validation_passed"))),
            refused: orNone(sumBy([], rate("galley_validation_failed"))),
          },
        }),
      ],
    },
    {
      title: "What it costs",
      panels: [
        panel("CPU", {
          unit: "short",
          description: "Cores",
          draws: { "{{instance}}": rate(`process_cpu_seconds_total{${OF_CONTROL_PLANE}}`) },
        }),
        panel("Memory", {
          unit: "bytes",
          description: "Resident, and the heap of it",
          draws: {
            "resident {{instance}}": `process_resident_memory_bytes{${OF_CONTROL_PLANE}}`,
            "heap {{instance}}": `nodejs_heap_size_used_bytes{${OF_CONTROL_PLANE}}`,
          },
        }),
        panel("Event loop", {
          unit: "s",
          description: "How late its timers are at worst: all else waits as long",
          draws: { "{{instance}}": `nodejs_eventloop_lag_p99_seconds{${OF_CONTROL_PLANE}}` },
        }),
        panel("Version", {
          unit: "short",
          description: "Control planes by version",
          draws: { "{{tag}}": sumBy(["tag"], "istio_build") },
        }),
      ],
    },
  ],
};
