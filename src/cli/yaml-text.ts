// YAML of a value. A module of its own, so that only who prints YAML loads the library: a bundle that loads the library
// itself, which is CommonJS, late gets it without its names.

import { stringify } from "yaml";

/** Indented by two spaces, no line folded, nothing said by reference. */
export function yamlText(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}
