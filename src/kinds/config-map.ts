// ConfigMap: files and values for pods; one of them holds the mesh's configuration.

import type { ObjectOf } from "./define-kind.ts";
import { defineKind } from "./define-kind.ts";
import { bytes, flag, map, text } from "./schema.ts";

export const configMapKind = defineKind({
  kind: "ConfigMap",
  group: "",
  versions: { served: ["v1"], storage: "v1" },
  plural: "configmaps",
  shortNames: ["cm"],
  scope: "Namespaced",
  roles: ["names-secrets"],
  fields: { data: map(text()), binaryData: map(bytes()), immutable: flag() },
});

export type ConfigMap = ObjectOf<typeof configMapKind>;
