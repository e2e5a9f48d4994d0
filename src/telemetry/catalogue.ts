// Every metric of Meltemi's own, and of Istio's that it serves: the reference page and the dashboards are made of it.
// Envoy's metrics are Envoy's to describe.

import type { CatalogueEntry } from "./catalogue-entry.ts";
import { createControlPlaneMetrics } from "./control-plane-metrics.ts";

const workloadLabels = (side: "source" | "destination") =>
  [
    ...["workload", "canonical_service", "canonical_revision", "workload_namespace"],
    ...["principal", "app", "version", "cluster"],
  ].map((name) => `${side}_${name}`);

/** Of TCP connections, and of requests. */
const trafficLabels: readonly string[] = [
  "reporter",
  ...workloadLabels("source"),
  ...workloadLabels("destination"),
  ...["destination_service", "destination_service_name", "destination_service_namespace"],
  ...["request_protocol", "response_flags", "connection_security_policy"],
];

const requestLabels: readonly string[] = [...trafficLabels, "response_code", "grpc_response_status"];

function proxy(
  name: string,
  type: CatalogueEntry["type"],
  { labels = [], help }: { readonly labels?: readonly string[]; readonly help: string },
): CatalogueEntry {
  return { name, type, labels, help, origin: "proxy" };
}

const ofRequests = (help: string) => ({ labels: requestLabels, help });
const ofConnections = (help: string) => ({ labels: trafficLabels, help });

const proxyMetrics: readonly CatalogueEntry[] = [
  proxy("istio_requests_total", "counter", ofRequests("Requests of HTTP and calls of gRPC that have ended")),
  proxy("istio_request_duration_milliseconds", "histogram", ofRequests("How long they took")),
  proxy("istio_request_bytes", "histogram", ofRequests("Bytes of requests on the wire, headers included")),
  proxy("istio_response_bytes", "histogram", ofRequests("Bytes of responses on the wire, headers included")),
  proxy("istio_request_messages_total", "counter", ofRequests("Messages that clients of gRPC sent")),
  proxy("istio_response_messages_total", "counter", ofRequests("Messages that servers of gRPC sent")),
  proxy("istio_tcp_connections_opened_total", "counter", ofConnections("TCP connections that were opened")),
  proxy("istio_tcp_connections_closed_total", "counter", ofConnections("TCP connections that have ended")),
  proxy("istio_tcp_received_bytes_total", "counter", ofConnections("Bytes of TCP that clients sent")),
  proxy("istio_tcp_sent_bytes_total", "counter", ofConnections("Bytes of TCP that servers sent")),
  proxy("istio_agent_cert_expiry_timestamp_seconds", "gauge", {
    labels: ["resource_name"],
    help: "When the workload's certificate ends, in seconds since the Unix epoch",
  }),
  proxy("istio_agent_scrape_failures_total", "counter", {
    labels: ["type"],
    help: "Pages of metrics that couldn't be merged, or not whole",
  }),
  proxy("meltemi_agent_certificate_rotations_total", "counter", { help: "Certificates that the agent got" }),
  proxy("meltemi_agent_envoy_restarts_total", "counter", { help: "Envoys that were started after a crash" }),
  proxy("meltemi_agent_records_over_label_budget_total", "counter", {
    help: "Requests and connections that count as `overflow`, for there were too many sets of labels",
  }),
  proxy("meltemi_agent_unreadable_records_total", "counter", {
    help: "Lines of Envoy about its traffic that the agent couldn't read: a fault of Meltemi",
  }),
];

/** By origin, and there as they are served. */
export function metricCatalogue(): readonly CatalogueEntry[] {
  return [...proxyMetrics, ...createControlPlaneMetrics("").catalogue()];
}
