// Which files of dist/ a program is made of: its entry and the chunks that it imports, directly or not.
// Chunks of earlier builds lie beside them and are left out.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";

/** Paths relative to `dist`, sorted. Throws if the program isn't built. */
export function bundleFiles(dist: string, program: string): readonly string[] {
  const entry = `${program}.js`;
  if (!existsSync(join(dist, entry))) throw new Error(`No ${entry} in ${dist}: run \`npm run build\``);
  const seen = new Set([entry]);
  for (const file of seen) {
    const code = readFileSync(join(dist, file), "utf8");
    // What esbuild writes for static and for dynamic imports of its own chunks.
    for (const match of code.matchAll(/(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+\.js)"/g)) {
      const imported = posix.join(dirname(file), match[1] ?? "");
      if (existsSync(join(dist, imported))) seen.add(imported);
    }
  }
  return [...seen].sort();
}
