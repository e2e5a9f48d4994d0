// The control plane's own metrics, under Istio's names where it has them, so that its dashboards find them.
// It counts what it is told; how many objects there are it asks when somebody scrapes.

import { Counter, collectDefaultMetrics, Gauge, type MetricObject, Registry } from "prom-client";
import type { CatalogueEntry } from "./catalogue-entry.ts";
import { type CertificateEvents, certificateMetrics } from "./certificate-metrics.ts";
import { type ObjectCounts, type ObjectEvents, objectMetrics } from "./object-metrics.ts";
import { type WebhookEvents, webhookMetrics } from "./webhook-metrics.ts";
import { type PushEvents, pushMetrics, type XdsEvents, xdsMetrics } from "./xds-metrics.ts";

export interface ControlPlaneMetrics {
  readonly xds: XdsEvents;
  readonly pushes: PushEvents;
  readonly jwks: KeyEvents;
  readonly certificates: CertificateEvents;
  readonly webhooks: WebhookEvents;
  readonly objects: ObjectEvents;
  readonly views: ViewEvents;
  /** What is read when somebody scrapes; told once it is there. */
  watch(watched: WatchedFacts): void;
  /** Prometheus' text format. */
  text(): Promise<string>;
  /** What there is to be scraped, by name, whether or not it has values yet. */
  catalogue(): readonly CatalogueEntry[];
}

/** Fits the keeper of issuers' keys. */
export interface KeyEvents {
  fetched(): void;
  failed(): void;
}

/** Fits the control plane's questions about clients. */
export interface ViewEvents {
  undeclaredQuestion(): void;
}

export interface WatchedFacts {
  readonly objects: ObjectCounts;
  /** Of the CA. */
  readonly signingCertificate: { readonly notAfterMs: number };
}

/** Each call has a registry of its own. `version` labels `pilot_info` and `istio_build`. */
export function createControlPlaneMetrics(version: string): ControlPlaneMetrics {
  const registry = new Registry();
  const registers = [registry];
  let watched: WatchedFacts | undefined;
  collectDefaultMetrics({ register: registry });
  tellBuild(version, registers);
  return {
    xds: xdsMetrics(registers),
    pushes: pushMetrics(registers),
    jwks: keyMetrics(registers),
    certificates: certificateMetrics(registers, () => watched?.signingCertificate.notAfterMs),
    webhooks: webhookMetrics(registers),
    objects: objectMetrics(registers, () => watched?.objects),
    views: viewMetrics(registers),
    watch: (facts) => {
      watched = facts;
    },
    text: () => registry.metrics(),
    catalogue: () => registry.getMetricsAsArray().map(entryOf),
  };
}

/** prom-client keeps the labels, though its types don't say so. */
function entryOf(metric: MetricObject & { readonly labelNames?: readonly string[] }): CatalogueEntry {
  const { name, help, labelNames = [] } = metric;
  const type = String(metric.type) as CatalogueEntry["type"];
  return { name, type, labels: labelNames, help, origin: "control plane" };
}

function keyMetrics(registers: Registry[]): KeyEvents {
  const fetches = new Counter({
    name: "pilot_jwks_resolver_network_fetch_success_total",
    help: "Times that an issuer's keys were fetched",
    registers,
  });
  const failures = new Counter({
    name: "pilot_jwks_resolver_network_fetch_fail_total",
    help: "Times that an issuer's keys couldn't be fetched",
    registers,
  });
  return { fetched: () => fetches.inc(), failed: () => failures.inc() };
}

function viewMetrics(registers: Registry[]): ViewEvents {
  const undeclared = new Counter({
    name: "meltemi_undeclared_client_questions_total",
    help: "Times that config depended on a fact about clients by which they aren't told apart: a fault of Meltemi",
    registers,
  });
  return { undeclaredQuestion: () => undeclared.inc() };
}

function tellBuild(version: string, registers: Registry[]): void {
  const build = { help: "Which build this is", registers };
  new Gauge({ ...build, name: "pilot_info", labelNames: ["version"] }).set({ version }, 1);
  const labels = { component: "pilot", tag: version };
  new Gauge({ ...build, name: "istio_build", labelNames: ["component", "tag"] }).set(labels, 1);
}
