// ServiceEntry: a service that the cluster's registry doesn't know.

import { atMostOne, portRule } from "../admission.ts";
import type { ObjectOf } from "../define-kind.ts";
import { defineKind } from "../define-kind.ts";
import { anything } from "../schema.ts";
import { serviceEntryRules } from "./rules.ts";
import { serviceEntrySpec } from "./service-entry-spec.ts";

export const serviceEntryKind = defineKind({
  kind: "ServiceEntry",
  group: "networking.istio.io",
  versions: { served: ["v1", "v1beta1", "v1alpha3"], storage: "v1" },
  plural: "serviceentries",
  shortNames: ["se"],
  scope: "Namespaced",
  roles: ["modeled"],
  description:
    "A service that the cluster's own registry doesn't know: outside of the mesh, or on machines that belong to it.",
  fields: { status: anything() },
  requiredFields: { spec: serviceEntrySpec },
  columns: [
    { title: "Hosts", path: "spec.hosts" },
    { title: "Location", path: "spec.location" },
    { title: "Resolution", path: "spec.resolution" },
  ],
  rules: [serviceEntryRules],
  admission: {
    spec: {
      rules: [
        atMostOne("only one of WorkloadSelector or Endpoints can be set", "workloadSelector", "endpoints"),
        {
          rule: "!has(self.endpoints) || size(self.endpoints) == 0 || (has(self.resolution) && self.resolution != 'NONE')",
          message: "NONE mode cannot set endpoints",
        },
        {
          rule: "!has(self.endpoints) || size(self.endpoints) <= 1 || !has(self.resolution) || self.resolution != 'DNS_ROUND_ROBIN'",
          message: "DNS_ROUND_ROBIN mode cannot have multiple endpoints",
        },
      ],
    },
    "spec.hosts": { minItems: 1, maxItems: 256 },
    "spec.hosts[]": {
      maxLength: 1024,
      rules: [{ rule: "self != '*'", message: "hostname cannot be wildcard" }],
    },
    "spec.addresses": { maxItems: 256 },
    "spec.addresses[]": { maxLength: 64 },
    "spec.ports": { maxItems: 256 },
    "spec.ports[].name": { maxLength: 256 },
    "spec.ports[].number": { rules: [portRule] },
    "spec.ports[].targetPort": { maximum: 65535 },
    "spec.endpoints": { maxItems: 4096 },
  },
});

export type ServiceEntry = ObjectOf<typeof serviceEntryKind>;
