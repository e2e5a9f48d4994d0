// VirtualService: where requests and connections to a host go.

import type { ObjectOf } from "../define-kind.ts";
import { defineKind } from "../define-kind.ts";
import { anything } from "../schema.ts";
import { virtualServiceRules } from "./rules.ts";
import { virtualServiceSpec } from "./virtual-service-spec.ts";

export const virtualServiceKind = defineKind({
  kind: "VirtualService",
  group: "networking.istio.io",
  versions: { served: ["v1", "v1beta1", "v1alpha3"], storage: "v1" },
  plural: "virtualservices",
  shortNames: ["vs"],
  scope: "Namespaced",
  roles: ["modeled"],
  description:
    "How requests and connections for a set of hosts are routed: by what they match, to which destinations, with which timeouts, retries, rewrites and faults.",
  fields: { status: anything() },
  requiredFields: { spec: virtualServiceSpec },
  references: [
    { path: "spec.gateways[]", kind: "Gateway" },
    { path: "spec.http[].delegate", kind: "VirtualService" },
  ],
  columns: [
    { title: "Gateways", path: "spec.gateways" },
    { title: "Hosts", path: "spec.hosts" },
  ],
  rules: [virtualServiceRules],
});

export type VirtualService = ObjectOf<typeof virtualServiceKind>;
