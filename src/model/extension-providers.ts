// MeshConfig's extension providers, as others name them.

import type { ExtensionProvider } from "../kinds/mesh-config/extension-provider.ts";
import type { MeshSettings } from "./mesh-settings.ts";

export const STANDARD_OUTPUT = "/dev/stdout";

/** Istio's own provider of access logs, which needs no declaration. */
const BUILT_IN_LOG = "envoy";

export function isBuiltInLog(name: string): boolean {
  return name.toLowerCase() === BUILT_IN_LOG;
}

/** Names count as Istio compares them, whatever their case. */
export function findProvider(
  { extensionProviders }: Pick<MeshSettings, "extensionProviders">,
  name: string,
): ExtensionProvider | undefined {
  const wanted = name.toLowerCase();
  const found = extensionProviders.find((each) => each.name?.toLowerCase() === wanted);
  if (found !== undefined || !isBuiltInLog(name)) return found;
  return { name: BUILT_IN_LOG, envoyFileAccessLog: { path: STANDARD_OUTPUT } };
}
