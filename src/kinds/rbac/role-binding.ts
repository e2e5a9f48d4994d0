// RoleBinding: gives a role's rights in its namespace.

import type { ObjectOf } from "../define-kind.ts";
import { defineKind } from "../define-kind.ts";
import { list } from "../schema.ts";
import { roleBindingRules } from "./binding-rules.ts";
import { bindingSubject, roleReference } from "./policy-rule.ts";

export const roleBindingKind = defineKind({
  kind: "RoleBinding",
  group: "rbac.authorization.k8s.io",
  versions: { served: ["v1"], storage: "v1" },
  plural: "rolebindings",
  scope: "Namespaced",
  roles: ["modeled"],
  fields: { subjects: list(bindingSubject) },
  requiredFields: { roleRef: roleReference },
  columns: [{ title: "Role", path: "roleRef.name" }],
  rules: [roleBindingRules],
});

export type RoleBinding = ObjectOf<typeof roleBindingKind>;
