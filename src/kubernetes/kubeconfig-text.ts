// The YAML of kubeconfig files, in a module of its own to be loaded when there is one. (A package that is CommonJS can't be
// imported lazily by itself: in our bundles its namespace has `default` alone.)

import { parse } from "yaml";

/** Throws where the text is no YAML. */
export function parseKubeconfigText(text: string): unknown {
  return parse(text);
}
