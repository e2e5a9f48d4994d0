// ClusterRole: what bindings of any namespace, or of the whole cluster, may give.

import type { ObjectOf } from "../define-kind.ts";
import { defineKind } from "../define-kind.ts";
import { list, message } from "../schema.ts";
import { labelSelector } from "../workload-selector.ts";
import { policyRule } from "./policy-rule.ts";

export const clusterRoleKind = defineKind({
  kind: "ClusterRole",
  group: "rbac.authorization.k8s.io",
  versions: { served: ["v1"], storage: "v1" },
  plural: "clusterroles",
  scope: "Cluster",
  roles: ["modeled"],
  fields: {
    rules: list(policyRule),
    aggregationRule: message({ clusterRoleSelectors: list(labelSelector) }),
  },
});

export type ClusterRole = ObjectOf<typeof clusterRoleKind>;
