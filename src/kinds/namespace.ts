// Namespace: a room of names; its labels switch injection on.

import type { ObjectOf } from "./define-kind.ts";
import { defineKind } from "./define-kind.ts";
import { anything, list, message, text } from "./schema.ts";

export const namespaceKind = defineKind({
  kind: "Namespace",
  group: "",
  versions: { served: ["v1"], storage: "v1" },
  plural: "namespaces",
  shortNames: ["ns"],
  scope: "Cluster",
  roles: ["modeled", "followed", "names-secrets"],
  fields: { spec: message({ finalizers: list(text()) }), status: anything() },
});

export type Namespace = ObjectOf<typeof namespaceKind>;
