// Bundles each app of the bookshop into one file, dist/examples/bookshop/NAME.cjs, so that a pod starts in a blink.
// Needs esbuild, therefore it runs after set-up only.

import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const folder = dirname(fileURLToPath(import.meta.url));
const root = join(folder, "../..");

const apps = ["storefront", "catalog", "reviews", "ratings", "stock", "cart", "loadtest"];

/** What the bundles are made of, for whoever decides whether they are up to date. */
export const bookshopSources = relative(root, join(folder, "src"));

export async function buildBookshop(outdir = join(root, "dist/examples/bookshop")) {
  const { build } = await import("esbuild");
  await build({
    absWorkingDir: root,
    entryPoints: apps.map((name) => ({ in: join(folder, "src", name, "main.ts"), out: name })),
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
