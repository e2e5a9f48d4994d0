// The control plane's own metrics, under Istio's names where it has them, so that its dashboards find them.
// It counts what it is told and reads nothing.

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

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

// Istio's, so that its dashboards draw them.
const SIZE_BUCKETS = [1, 10_000, 1_000_000, 4_000_000, 10_000_000, 40_000_000];
const CONVERGENCE_BUCKETS = [0.1, 0.5, 1, 3, 5, 10, 20, 30];

export interface ControlPlaneMetrics {
  /** Fits the xDS server's events. */
  readonly xds: {
    streamOpened(protocol: string): void;
    streamClosed(protocol: string): void;
    pushed(type: string, response: PushedResponse): void;
    acknowledged(type: string): void;
    rejected(type: string): void;
  };
  /** Fits the ledger of pushes. */
  readonly pushes: {
    began(trigger: string): void;
    converged(afterMs: number): void;
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
  const sizes = new Histogram({
    name: "pilot_xds_config_size_bytes",
    help: "Sizes of xDS responses",
    labelNames: ["type"],
    buckets: SIZE_BUCKETS,
    registers,
  });
  const triggers = new Counter({
    name: "pilot_push_triggers",
    help: "Pushes by what they were made for",
    labelNames: ["type"],
    registers,
  });
  const convergence = new Histogram({
    name: "pilot_proxy_convergence_time",
    help: "Seconds from the first change of a push until a proxy has answered all that it was sent",
    buckets: CONVERGENCE_BUCKETS,
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
  const build = { help: "Which build this is", registers };
  new Gauge({ ...build, name: "pilot_info", labelNames: ["version"] }).set({ version }, 1);
  new Gauge({ ...build, name: "istio_build", labelNames: ["component", "tag"] }).set(
    { component: "pilot", tag: version },
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
        sizes.observe(labels, response.bytes);
        resources.inc(labels, response.resourceCount);
      },
      acknowledged: (type) => accepted.inc({ type: shortNameOf(type) }),
      rejected: (type) => rejects.inc({ type: shortNameOf(type) }),
    },
    pushes: {
      began: (trigger) => triggers.inc({ type: trigger }),
      converged: (afterMs) => convergence.observe(afterMs / 1000),
    },
    jwks: { fetched: () => fetches.inc(), failed: () => fetchFailures.inc() },
    text: () => registry.metrics(),
  };
}

function shortNameOf(type: string): string {
  return SHORT_NAMES[type] ?? type;
}
