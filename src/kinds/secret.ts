// Secret: values that must not be shown. Its data never goes into a message, a log or a dump.

import type { ObjectOf } from "./define-kind.ts";
import { defineKind } from "./define-kind.ts";
import { bytes, flag, map, text } from "./schema.ts";

export const secretKind = defineKind({
  kind: "Secret",
  group: "",
  versions: { served: ["v1"], storage: "v1" },
  plural: "secrets",
  scope: "Namespaced",
  roles: ["modeled"],
  fields: { type: text(), data: map(bytes()), stringData: map(text()), immutable: flag() },
  columns: [{ title: "Type", path: "type" }],
});

export type Secret = ObjectOf<typeof secretKind>;
