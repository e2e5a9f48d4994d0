// ServiceEntry: a service that the cluster's registry doesn't know.

import type { ObjectOf } from "../define-kind.ts";
import { defineKind } from "../define-kind.ts";
import type { TypeOf } from "../schema.ts";
import { anything, choice, list, map, message, text, uint32 } from "../schema.ts";
import { labelsSelector } from "../workload-selector.ts";
import { serviceEntryRules } from "./rules.ts";

export const serviceEntryPort = message(
  { protocol: text(), targetPort: uint32() },
  { required: { number: uint32(), name: text() } },
);

/** An endpoint of a ServiceEntry; the same shape as a WorkloadEntry's spec. */
export const workloadEntrySpec = message({
  address: text(),
  ports: map(uint32()),
  labels: map(text()),
  network: text(),
  locality: text(),
  weight: uint32(),
  serviceAccount: text(),
});

export const serviceEntrySpec = message(
  {
    addresses: list(text()),
    ports: list(serviceEntryPort),
    location: choice("MESH_EXTERNAL", "MESH_INTERNAL"),
    resolution: choice("NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS"),
    endpoints: list(workloadEntrySpec),
    workloadSelector: labelsSelector,
    exportTo: list(text()),
    subjectAltNames: list(text()),
  },
  { required: { hosts: list(text()) } },
);

export const serviceEntryKind = defineKind({
  kind: "ServiceEntry",
  group: "networking.istio.io",
  versions: { served: ["v1", "v1beta1", "v1alpha3"], storage: "v1" },
  plural: "serviceentries",
  shortNames: ["se"],
  scope: "Namespaced",
  fields: { status: anything() },
  requiredFields: { spec: serviceEntrySpec },
  columns: [
    { title: "Hosts", path: "spec.hosts" },
    { title: "Location", path: "spec.location" },
    { title: "Resolution", path: "spec.resolution" },
  ],
  rules: [serviceEntryRules],
});

export type ServiceEntry = ObjectOf<typeof serviceEntryKind>;
export type ServiceEntrySpec = TypeOf<typeof serviceEntrySpec>;
export type ServiceEntryPort = TypeOf<typeof serviceEntryPort>;
export type WorkloadEntrySpec = TypeOf<typeof workloadEntrySpec>;
