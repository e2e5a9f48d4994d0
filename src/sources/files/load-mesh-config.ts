// Reads the file that `--mesh-config` names: the text of a MeshConfig, with or without a ConfigMap around it.

import type { Problem } from "../../core/problem.ts";
import type { LoadedObject } from "./loaded-objects.ts";
import { parseManifest } from "./manifest.ts";
import { readManifestFile } from "./manifest-files.ts";
import { MESH_CONFIG_KEY, parseMeshConfig } from "./mesh-config-text.ts";

export interface LoadedMeshConfig {
  /** Absent where the file has errors. */
  readonly meshConfig?: LoadedObject;
  readonly problems: readonly Problem[];
}

export async function loadMeshConfig(file: string): Promise<LoadedMeshConfig> {
  const text = await readManifestFile(file);
  if (typeof text !== "string") return { problems: [text] };
  const isManifest = /^kind:/m.test(text);
  const { entries, problems } = isManifest ? parseManifest(file, text) : parseMeshConfig(file, text);
  const entry = entries.find(({ key }) => key === MESH_CONFIG_KEY);
  if (entry?.object === undefined) return { problems };
  return { meshConfig: { ...entry, object: entry.object }, problems };
}
