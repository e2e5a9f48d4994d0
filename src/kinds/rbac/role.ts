// Role: what its namespace's RoleBindings may give.

import type { ObjectOf } from "../define-kind.ts";
import { defineKind } from "../define-kind.ts";
import { list } from "../schema.ts";
import { policyRule } from "./policy-rule.ts";

export const roleKind = defineKind({
  kind: "Role",
  group: "rbac.authorization.k8s.io",
  versions: { served: ["v1"], storage: "v1" },
  plural: "roles",
  scope: "Namespaced",
  roles: ["modeled"],
  fields: { rules: list(policyRule) },
});

export type Role = ObjectOf<typeof roleKind>;
