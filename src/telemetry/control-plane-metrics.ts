// The control plane's own metrics, under Istio's names where it has them, so that its dashboards find them.
// It counts what it is told and reads nothing.

import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";

/** What a push was, as far as it is counted. */
interface PushedResponse {
  readonly resourceCount: number;
  readonly removedCount: number;
  readonly bytes: number;
}

// Istio's short names of resource types, as its metrics have them.
const SHORT_NAMES: Readonly<Record<string, string>> = {
  cluster: "cds",
  endpoint: "eds",
  listener: "lds",
  route: "rds",
  secret: "sds",
  "extension-config": "ecds",
  "virtual-host": "vhds",
};

export interface ControlPlaneMetrics {
  /** Fits the xDS server's events. */
  readonly xds: {
    streamOpened(protocol: string): void;
    streamClosed(protocol: string): void;
    pushed(type: string, response: PushedResponse): void;
    acknowledged(type: string): void;
    rejected(type: string): void;
  };
  /** Fits the keeper of issuers' keys. */
  readonly jwks: {
    fetched(): void;
    failed(): void;
  };
  /** Prometheus' text format. */
  text(): Promise<string>;
}

/** Each call has a registry of its own. `version` labels `pilot_info`. */
export function createControlPlaneMetrics(version: string): ControlPlaneMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const streams = new Gauge({
    name: "pilot_xds",
    help: "Connected xDS streams",
    labelNames: ["protocol"],
    registers,
  });
  const pushes = new Counter({
    name: "pilot_xds_pushes",
    help: "xDS responses",
    labelNames: ["type"],
    registers,
  });
  const bytes = new Counter({
    name: "meltemi_xds_sent_bytes_total",
    help: "Bytes of xDS responses",
    labelNames: ["type"],
    registers,
  });
  const resources = new Counter({
    name: "meltemi_xds_sent_resources_total",
    help: "Resources sent",
    labelNames: ["type"],
    registers,
  });
  const accepted = new Counter({
    name: "meltemi_xds_acknowledged_total",
    help: "Responses that clients acknowledged",
    labelNames: ["type"],
    registers,
  });
  const rejects = new Counter({
    name: "pilot_total_xds_rejects",
    help: "Responses that clients refused",
    labelNames: ["type"],
    registers,
  });
  const fetches = new Counter({
    name: "pilot_jwks_resolver_network_fetch_success_total",
    help: "Times that an issuer's keys were fetched",
    registers,
  });
  const fetchFailures = new Counter({
    name: "pilot_jwks_resolver_network_fetch_fail_total",
    help: "Times that an issuer's keys couldn't be fetched",
    registers,
  });
  new Gauge({ name: "pilot_info", help: "Which build this is", labelNames: ["version"], registers }).set(
    { version },
    1,
  );
  return {
    xds: {
      streamOpened: (protocol) => streams.inc({ protocol }),
      streamClosed: (protocol) => streams.dec({ protocol }),
      pushed: (type, response) => {
        const labels = { type: shortNameOf(type) };
        pushes.inc(labels);
        bytes.inc(labels, response.bytes);
        resources.inc(labels, response.resourceCount);
      },
      acknowledged: (type) => accepted.inc({ type: shortNameOf(type) }),
      rejected: (type) => rejects.inc({ type: shortNameOf(type) }),
    },
    jwks: { fetched: () => fetches.inc(), failed: () => fetchFailures.inc() },
    text: () => registry.metrics(),
  };
}

function shortNameOf(type: string): string {
  return SHORT_NAMES[type] ?? type;
}
