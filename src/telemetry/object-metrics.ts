// The objects that config is made of: how many there are, and the changes that came in, under Istio's names.

import { Counter, Gauge, type Registry } from "prom-client";
import { type ObjectKey, parseObjectKey } from "../core/object-key.ts";

/** Fits whoever reads objects. */
export interface ObjectEvents {
  changed(kind: string, event: "update" | "delete"): void;
}

export interface ChangedObjects {
  readonly upserts: readonly { readonly key: ObjectKey }[];
  readonly deletes: readonly ObjectKey[];
}

export function countChanges(events: ObjectEvents, { upserts, deletes }: ChangedObjects): void {
  for (const { key } of upserts) events.changed(parseObjectKey(key).kind, "update");
  for (const key of deletes) events.changed(parseObjectKey(key).kind, "delete");
}

export interface ObjectCounts {
  readonly services: () => number;
  readonly virtualServices: () => number;
}

// What Istio's registry of services is made of; all else is configuration.
const REGISTRY_KINDS: ReadonlySet<string> = new Set(["Service", "EndpointSlice", "Pod", "Node", "Namespace"]);

export function objectMetrics(registers: Registry[], counts: () => ObjectCounts | undefined): ObjectEvents {
  const labelNames = ["type", "event"] as const;
  const registry = new Counter({
    name: "pilot_k8s_reg_events",
    help: "Changes of Services, endpoints, pods, nodes and namespaces",
    labelNames,
    registers,
  });
  const config = new Counter({
    name: "pilot_k8s_cfg_events",
    help: "Changes of other objects",
    labelNames,
    registers,
  });
  const gauge = (name: string, help: string, count: keyof ObjectCounts) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(counts()?.[count]() ?? 0);
      },
    });
  gauge("pilot_services", "Services of the mesh", "services");
  gauge("pilot_virt_services", "VirtualServices", "virtualServices");
  return {
    changed: (type, event) => (REGISTRY_KINDS.has(type) ? registry : config).inc({ type, event }),
  };
}
