// What RBAC's roles allow, and whom its bindings name: the parts that the kinds of rbac.authorization.k8s.io share.

import type { TypeOf } from "../schema.ts";
import { list, message, text } from "../schema.ts";

export const policyRule = message(
  {
    apiGroups: list(text()),
    resources: list(text()),
    resourceNames: list(text()),
    nonResourceURLs: list(text()),
  },
  { required: { verbs: list(text()) } },
);

export const bindingSubject = message(
  { apiGroup: text(), namespace: text() },
  { required: { kind: text(), name: text() } },
);

export const roleReference = message({ apiGroup: text() }, { required: { kind: text(), name: text() } });

export type PolicyRule = TypeOf<typeof policyRule>;
export type BindingSubject = TypeOf<typeof bindingSubject>;
export type RoleReference = TypeOf<typeof roleReference>;
