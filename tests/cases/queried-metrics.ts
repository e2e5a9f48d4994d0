// The metrics and labels that the dashboards of others ask for, by name: facts read from their sources, of July 2026.

export interface Asker {
  readonly name: string;
  /** Where it asks. */
  readonly source: string;
  /** Labels by metric. */
  readonly metrics: Readonly<Record<string, readonly string[]>>;
}

const workloads = [
  ...["source_workload", "source_workload_namespace"],
  ...["destination_workload", "destination_workload_namespace", "destination_service"],
];
const istioTraffic = ["reporter", ...workloads];
const istioRequests = [...istioTraffic, "response_code", "connection_security_policy"];

const kialiEdges = [
  ...["reporter", ...workloads],
  ...["source_cluster", "source_canonical_service", "source_canonical_revision"],
  ...["destination_cluster", "destination_service_namespace", "destination_service_name"],
  ...["destination_canonical_service", "destination_canonical_revision"],
];
const kialiTraffic = [...kialiEdges, "response_flags", "request_protocol"];
const kialiSecured = ["source_principal", "destination_principal", "connection_security_policy"];

export const askers: readonly Asker[] = [
  {
    name: "Istio's dashboards of mesh, service and workload",
    source: "istio/istio manifests/addons/dashboards (queries.libsonnet, istio-service and istio-workload)",
    metrics: {
      istio_requests_total: [...istioRequests, "grpc_response_status"],
      istio_request_duration_milliseconds_bucket: [...istioTraffic, "connection_security_policy"],
      istio_request_bytes_bucket: [...istioTraffic, "connection_security_policy"],
      istio_response_bytes_bucket: [...istioTraffic, "connection_security_policy"],
      istio_tcp_sent_bytes_total: [...istioTraffic, "connection_security_policy"],
      istio_tcp_received_bytes_total: [...istioTraffic, "connection_security_policy"],
      istio_build: ["component", "tag"],
    },
  },
  {
    name: "Istio's dashboards of control plane and performance",
    source: "istio/istio manifests/addons/dashboards (queries.libsonnet, istio-performance)",
    metrics: {
      pilot_xds_pushes: ["type"],
      pilot_total_xds_rejects: ["type"],
      pilot_total_xds_internal_errors: [],
      pilot_xds: [],
      pilot_xds_push_time_bucket: [],
      pilot_xds_config_size_bytes_bucket: [],
      pilot_k8s_reg_events: ["type", "event"],
      pilot_k8s_cfg_events: ["type", "event"],
      pilot_push_triggers: ["type"],
      galley_validation_passed: [],
      galley_validation_failed: [],
      sidecar_injection_success_total: [],
      sidecar_injection_failure_total: [],
      envoy_cluster_upstream_cx_active: ["cluster_name"],
      istio_response_bytes_sum: istioTraffic,
      istio_request_bytes_sum: istioTraffic,
      process_open_fds: [],
      process_virtual_memory_bytes: [],
      process_resident_memory_bytes: [],
      process_cpu_seconds_total: [],
      container_cpu_usage_seconds_total: [],
      container_memory_working_set_bytes: [],
      container_fs_usage_bytes: [],
      go_goroutines: [],
      go_memstats_stack_inuse_bytes: [],
      go_memstats_heap_inuse_bytes: [],
      go_memstats_heap_alloc_bytes: [],
      go_memstats_heap_sys_bytes: [],
      go_memstats_alloc_bytes: [],
      go_memstats_alloc_bytes_total: [],
      go_memstats_mallocs_total: [],
    },
  },
  {
    name: "Kiali",
    source: "kiali/kiali (graph/telemetry/istio and its appenders; hack scripts' list of required metrics)",
    metrics: {
      istio_requests_total: [...kialiTraffic, ...kialiSecured, "response_code", "grpc_response_status"],
      istio_request_bytes_bucket: kialiEdges,
      istio_request_bytes_count: kialiEdges,
      istio_request_bytes_sum: kialiEdges,
      istio_response_bytes_bucket: kialiEdges,
      istio_response_bytes_count: kialiEdges,
      istio_response_bytes_sum: kialiEdges,
      istio_request_duration_milliseconds_bucket: [...kialiEdges, "request_protocol"],
      istio_request_duration_milliseconds_count: kialiEdges,
      istio_request_duration_milliseconds_sum: kialiEdges,
      istio_request_messages_total: kialiEdges,
      istio_response_messages_total: kialiEdges,
      istio_tcp_connections_opened_total: kialiEdges,
      istio_tcp_connections_closed_total: kialiEdges,
      istio_tcp_received_bytes_total: [...kialiTraffic, ...kialiSecured],
      istio_tcp_sent_bytes_total: [...kialiTraffic, ...kialiSecured],
      pilot_proxy_convergence_time_sum: [],
      pilot_proxy_convergence_time_count: [],
      pilot_services: [],
      pilot_xds: [],
      pilot_xds_pushes: ["type"],
      envoy_cluster_upstream_cx_active: [],
      envoy_cluster_upstream_rq_total: [],
      envoy_listener_downstream_cx_active: [],
      envoy_listener_http_downstream_rq: [],
      envoy_server_memory_allocated: [],
      envoy_server_memory_heap_size: [],
      envoy_server_uptime: [],
      container_cpu_usage_seconds_total: [],
      container_memory_working_set_bytes: [],
      process_cpu_seconds_total: [],
      process_resident_memory_bytes: [],
    },
  },
];

const OF_KUBELET = "kubelet's (cAdvisor): a cluster has it whatever the mesh is, one machine has none";
const OF_GO = "of Go's runtime: the control plane is of Node, whose nodejs_* say the like";

/** Why a metric isn't served. */
export const notServed: Readonly<Record<string, string>> = {
  container_cpu_usage_seconds_total: OF_KUBELET,
  container_memory_working_set_bytes: OF_KUBELET,
  container_fs_usage_bytes: OF_KUBELET,
  go_goroutines: OF_GO,
  go_memstats_stack_inuse_bytes: OF_GO,
  go_memstats_heap_inuse_bytes: OF_GO,
  go_memstats_heap_alloc_bytes: OF_GO,
  go_memstats_heap_sys_bytes: OF_GO,
  go_memstats_alloc_bytes: OF_GO,
  go_memstats_alloc_bytes_total: OF_GO,
  go_memstats_mallocs_total: OF_GO,
  envoy_listener_http_downstream_rq: "Envoy has none of this name, but envoy_listener_http_downstream_rq_xx",
  pilot_total_xds_internal_errors:
    "a push that fails isn't told apart: nothing of it reaches a proxy, and the log has it",
  pilot_xds_push_time_bucket:
    "a push is one synchronous pass for all types: pilot_proxy_convergence_time has the time until proxies answered",
};

/** Envoy's metrics that are there only where the mesh asks Envoy for them (`proxyStatsMatcher`), as with Istio. */
export const askedOfEnvoy: ReadonlySet<string> = new Set([
  "envoy_cluster_upstream_rq_total",
  "envoy_listener_downstream_cx_active",
]);
