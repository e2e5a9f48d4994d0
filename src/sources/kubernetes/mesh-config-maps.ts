// The mesh's configuration out of the ConfigMaps that may hold it. One that can't be read never takes the place of
// one that could: a slip of the pen in it must not change the whole mesh at once.

import { type ObjectKey, objectKey } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import type { ConfigMap } from "../../kinds/config-map.ts";
import type { MeshConfig } from "../../kinds/mesh-config/mesh-config.ts";
import { parseMeshConfig } from "../files/mesh-config-text.ts";

export interface MeshConfigReading {
  /** `none`: no ConfigMap holds any, so the defaults are in force. `broken`: one does, and it has errors. */
  readonly state: "none" | "broken" | "good";
  readonly meshConfig?: MeshConfig;
  /** Of the ConfigMap; they quote lines of its `mesh`. */
  readonly problems: readonly Problem[];
}

/** In order of precedence; a revision's own stand before those of all. */
export function meshConfigMapNames(revision: string): readonly string[] {
  const names = ["meltemi", "istio"];
  return revision === "" || revision === "default"
    ? names
    : [...names.map((name) => `${name}-${revision}`), ...names];
}

/** Of those that are there, the first counts alone. */
export function readMeshConfig(
  configMaps: readonly ConfigMap[],
  names: readonly string[],
): MeshConfigReading {
  const [chosen] = names.flatMap((name) => configMaps.find(({ metadata }) => metadata.name === name) ?? []);
  const text = chosen?.data?.mesh;
  if (chosen === undefined || text === undefined) return { state: "none", problems: [] };
  const key = keyOf(chosen);
  const { entries, problems } = parseMeshConfig(key, text);
  const located = problems.map((found) => ({ ...found, object: key }));
  const meshConfig = entries[0]?.object as MeshConfig | undefined;
  return meshConfig === undefined
    ? { state: "broken", problems: located }
    : { state: "good", meshConfig, problems: located };
}

function keyOf({ metadata: { name, namespace } }: ConfigMap): ObjectKey {
  return objectKey({ kind: "ConfigMap", namespace, name });
}
