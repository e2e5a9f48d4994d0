// The schema of the spec of kind ServiceEntry, and the types that follow from it.

import type { TypeOf } from "../schema.ts";
import { choice, list, map, message, text, uint32 } from "../schema.ts";
import { labelsSelector } from "../workload-selector.ts";

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

export type ServiceEntrySpec = TypeOf<typeof serviceEntrySpec>;
export type ServiceEntryPort = TypeOf<typeof serviceEntryPort>;
export type WorkloadEntrySpec = TypeOf<typeof workloadEntrySpec>;
