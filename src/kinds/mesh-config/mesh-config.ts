// MeshConfig: the settings of the whole mesh. No API server knows this kind: its text comes from a ConfigMap or a file.

import type { ObjectOf } from "../define-kind.ts";
import { defineKind } from "../define-kind.ts";
import { meshConfigSpec } from "./mesh-config-spec.ts";
import { meshConfigRules } from "./rules.ts";

export const meshConfigKind = defineKind({
  kind: "MeshConfig",
  group: "mesh.meltemi.dev",
  versions: { served: ["v1"], storage: "v1" },
  plural: "meshconfigs",
  scope: "Pseudo",
  roles: ["modeled"],
  fields: {},
  requiredFields: { spec: meshConfigSpec },
  rules: [meshConfigRules],
});

/** The object's name is `mesh`, and it has no namespace. */
export type MeshConfig = ObjectOf<typeof meshConfigKind>;
