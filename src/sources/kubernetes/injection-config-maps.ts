// Which ConfigMaps may hold the mesh's configuration of injection; what it says is for others to read.

import type { ConfigMap } from "../../kinds/config-map.ts";

/** In order of precedence; a revision's own stand before those of all. */
export function injectionConfigMapNames(revision: string): readonly string[] {
  const names = ["meltemi-sidecar-injector", "istio-sidecar-injector"];
  return revision === "" || revision === "default"
    ? names
    : [...names.map((name) => `${name}-${revision}`), ...names];
}

/** Of those that are there, the first counts alone. */
export function chooseInjectionConfig(
  configMaps: readonly ConfigMap[],
  names: readonly string[],
): ConfigMap | undefined {
  const [chosen] = names.flatMap((name) => configMaps.find(({ metadata }) => metadata.name === name) ?? []);
  return chosen;
}
