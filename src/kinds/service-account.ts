// ServiceAccount: the identity that a pod's certificate carries.

import type { ObjectOf } from "./define-kind.ts";
import { defineKind } from "./define-kind.ts";
import { flag, list, message, text } from "./schema.ts";

const objectReference = message({
  apiVersion: text(),
  fieldPath: text(),
  kind: text(),
  name: text(),
  namespace: text(),
  resourceVersion: text(),
  uid: text(),
});

export const serviceAccountKind = defineKind({
  kind: "ServiceAccount",
  group: "",
  versions: { served: ["v1"], storage: "v1" },
  plural: "serviceaccounts",
  shortNames: ["sa"],
  scope: "Namespaced",
  roles: ["followed"],
  fields: {
    automountServiceAccountToken: flag(),
    imagePullSecrets: list(message({ name: text() })),
    secrets: list(objectReference),
  },
});

export type ServiceAccount = ObjectOf<typeof serviceAccountKind>;
