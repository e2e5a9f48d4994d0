// One of the programs of src/main as users run it, for tests that start it often: a bundle starts in a tenth of the time
// that its sources take.

import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** Makes `dist/NAME.js` and a package.json in the directory; resolves with the path of the program. */
export async function bundleProgram(name: "agent" | "supervisor", directory: string): Promise<string> {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  await mkdir(join(directory, "dist"));
  await build({
    absWorkingDir: root,
    entryPoints: [`src/main/${name}.ts`],
    outdir: join(directory, "dist"),
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    chunkNames: "chunks/[name]-[hash]",
    // As tools/build.mjs: packages in CommonJS ask for it.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    logLevel: "warning",
  });
  await copyFile(join(root, "package.json"), join(directory, "package.json"));
  return join(directory, `dist/${name}.js`);
}
