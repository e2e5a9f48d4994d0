// What was pushed to proxies and what they made of it, under Istio's names where it has them.

import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** What a push was, as far as it is counted. */
export interface PushedResponse {
  readonly resourceCount: number;
  readonly removedCount: number;
  readonly bytes: number;
}

/** Fits the xDS server's events. */
export interface XdsEvents {
  streamOpened(protocol: string): void;
  streamClosed(protocol: string): void;
  pushed(type: string, response: PushedResponse): void;
  acknowledged(type: string): void;
  rejected(type: string): void;
}

/** Fits the ledger of pushes. */
export interface PushEvents {
  began(trigger: string): void;
  converged(afterMs: number): void;
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

export function xdsMetrics(registers: Registry[]): XdsEvents {
  const counter = (name: string, help: string) =>
    new Counter({ name, help, labelNames: ["type"], registers });
  const streams = new Gauge({
    name: "pilot_xds",
    help: "Connected xDS streams",
    labelNames: ["protocol"],
    registers,
  });
  const pushes = counter("pilot_xds_pushes", "xDS responses");
  const bytes = counter("meltemi_xds_sent_bytes_total", "Bytes of xDS responses");
  const resources = counter("meltemi_xds_sent_resources_total", "Resources sent");
  const accepted = counter("meltemi_xds_acknowledged_total", "Responses that clients acknowledged");
  const rejects = counter("pilot_total_xds_rejects", "Responses that clients refused");
  const sizes = new Histogram({
    name: "pilot_xds_config_size_bytes",
    help: "Sizes of xDS responses",
    labelNames: ["type"],
    buckets: SIZE_BUCKETS,
    registers,
  });
  return {
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
  };
}

export function pushMetrics(registers: Registry[]): PushEvents {
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
  return {
    began: (trigger) => triggers.inc({ type: trigger }),
    converged: (afterMs) => convergence.observe(afterMs / 1000),
  };
}

function shortNameOf(type: string): string {
  return SHORT_NAMES[type] ?? type;
}
