// What the webhooks answered, under Istio's names.

import { Counter, Histogram, type Registry } from "prom-client";

/** Fits the webhook server. */
export interface WebhookEvents {
  /** `skipped`: the pod wants no sidecar. */
  injection(outcome: "injected" | "skipped" | "failed", durationMs: number): void;
  validation(object: ValidatedObject, outcome: "passed" | "failed"): void;
}

export interface ValidatedObject {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

export function webhookMetrics(registers: Registry[]): WebhookEvents {
  const counter = (name: string, help: string) => new Counter({ name, help, registers });
  const requests = counter("sidecar_injection_requests_total", "Pods that injection was asked for");
  const outcomes = {
    injected: counter("sidecar_injection_success_total", "Pods that got a sidecar"),
    skipped: counter("sidecar_injection_skip_total", "Pods that want none"),
    failed: counter("sidecar_injection_failure_total", "Pods that were refused"),
  };
  const time = new Histogram({
    name: "sidecar_injection_time_seconds",
    help: "Time that injection took",
    buckets: [0.001, 0.01, 0.1, 1, 5],
    registers,
  });
  const labelNames = ["group", "version", "resource"] as const;
  const validation = {
    passed: new Counter({
      name: "galley_validation_passed",
      help: "Objects that were right",
      labelNames,
      registers,
    }),
    failed: new Counter({
      name: "galley_validation_failed",
      help: "Objects that were refused",
      labelNames: [...labelNames, "reason"],
      registers,
    }),
  };
  return {
    injection(outcome, durationMs) {
      requests.inc();
      outcomes[outcome].inc();
      time.observe(durationMs / 1000);
    },
    validation(object, outcome) {
      const labels = { group: object.group, version: object.version, resource: object.resource };
      if (outcome === "passed") validation.passed.inc(labels);
      else validation.failed.inc({ ...labels, reason: "invalid_resource" });
    },
  };
}
