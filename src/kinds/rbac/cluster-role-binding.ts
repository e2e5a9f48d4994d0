// ClusterRoleBinding: gives a ClusterRole's rights in every namespace.

import type { ObjectOf } from "../define-kind.ts";
import { defineKind } from "../define-kind.ts";
import { list } from "../schema.ts";
import { clusterRoleBindingRules } from "./binding-rules.ts";
import { bindingSubject, roleReference } from "./policy-rule.ts";

export const clusterRoleBindingKind = defineKind({
  kind: "ClusterRoleBinding",
  group: "rbac.authorization.k8s.io",
  versions: { served: ["v1"], storage: "v1" },
  plural: "clusterrolebindings",
  scope: "Cluster",
  roles: ["modeled"],
  fields: { subjects: list(bindingSubject) },
  requiredFields: { roleRef: roleReference },
  columns: [{ title: "Role", path: "roleRef.name" }],
  rules: [clusterRoleBindingRules],
});

export type ClusterRoleBinding = ObjectOf<typeof clusterRoleBindingKind>;
