// Gateway: which ports a gateway's proxies open, and for which hosts.

import type { ObjectOf } from "../define-kind.ts";
import { defineKind } from "../define-kind.ts";
import { anything } from "../schema.ts";
import { gatewaySpec } from "./gateway-spec.ts";
import { gatewayRules } from "./rules.ts";

export const gatewayKind = defineKind({
  kind: "Gateway",
  group: "networking.istio.io",
  versions: { served: ["v1", "v1beta1", "v1alpha3"], storage: "v1" },
  plural: "gateways",
  shortNames: ["gw"],
  scope: "Namespaced",
  roles: ["modeled", "names-secrets"],
  description:
    "Ports that a proxy at the edge of the mesh opens, for which hosts, and with which certificates.",
  fields: { status: anything() },
  requiredFields: { spec: gatewaySpec },
  references: [{ path: "spec.servers[].tls.credentialName", kind: "Secret" }],
  columns: [{ title: "Selector", path: "spec.selector" }],
  rules: [gatewayRules],
});

export type Gateway = ObjectOf<typeof gatewayKind>;
