// Bundles each app of the bookshop into one file, dist/examples/bookshop/NAME.cjs, so that a pod starts in a blink, and
// bookshop.cjs, which starts the one that it is told.
// Needs esbuild, therefore it runs after set-up only.

import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const projectRoot = join(dirname(fileURLToPath(import.meta.url)), "../..");

const apps = ["storefront", "catalog", "reviews", "ratings", "stock", "cart", "loadtest"];

/** What the bundles are made of, for whoever decides whether they are up to date. */
export const bookshopSources = "examples/bookshop/src";

/** The sources are those under `root`; the bundles go to dist/examples/bookshop there unless told. */
export async function buildBookshop(root = projectRoot, outdir = join(root, "dist/examples/bookshop")) {
  const { build } = await import("esbuild");
  await build({
    absWorkingDir: root,
    entryPoints: [
      { in: join(root, bookshopSources, "bookshop.ts"), out: "bookshop" },
      ...apps.map((name) => ({ in: join(root, bookshopSources, name, "main.ts"), out: name })),
    ],
    outdir,
    outExtension: { ".js": ".cjs" },
    bundle: true,
    format: "cjs",
    platform: "node",
    target: "node20",
    sourcemap: "linked",
    logLevel: "warning",
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await buildBookshop();
