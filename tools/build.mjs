// Bundles the programs of src/main to dist/, and does nothing where dist/ already matches the sources.
// Chunks of earlier builds stay for a while, as a running Meltemi may still load one.

import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { bookshopSources, buildBookshop } from "../examples/bookshop/build.mjs";
import { quickDescriptors } from "./quick-descriptors.mjs";

const projectRoot = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Each is a program of its own; those that aren't written yet are left out. */
const programs = ["cli", "control-plane", "supervisor", "agent", "cni"];
const OLD_CHUNK_AGE_MS = 3_600_000;

export function isBuilt(root = projectRoot) {
  const stampFile = join(root, "dist/.stamp");
  return existsSync(stampFile) && readFileSync(stampFile, "utf8") === currentStamp(root);
}

/** Of sizes and times, not of contents: that is a tenth of the work, and a needless build costs little. */
function currentStamp(root) {
  const hash = createHash("sha256");
  const add = (path) => {
    const { size, mtimeMs } = statSync(path);
    hash.update(`${relative(root, path)} ${size} ${mtimeMs}\n`);
  };
  const addFolder = (path) => {
    for (const name of readdirSync(path, { recursive: true })) {
      if (/(?<!\.test)\.(ts|json|html|css)$/.test(name)) add(join(path, name));
    }
  };
  for (const entry of readdirSync(join(root, "src"), { withFileTypes: true })) {
    const path = join(root, "src", entry.name);
    if (entry.name === "gen") add(join(path, ".stamp"));
    else if (entry.isDirectory()) addFolder(path);
  }
  if (existsSync(join(root, bookshopSources))) addFolder(join(root, bookshopSources));
  add(join(root, "package-lock.json"));
  add(fileURLToPath(import.meta.url));
  add(fileURLToPath(new URL("./quick-descriptors.mjs", import.meta.url)));
  return hash.digest("hex");
}

export async function build(root = projectRoot) {
  const stamp = currentStamp(root);
  const { build: bundle } = await import("esbuild");
  const results = await Promise.all(
    [["control-plane"], programs.filter((name) => name !== "control-plane")].map((names) =>
      bundle(bundleOptions(root, names)),
    ),
  );
  const files = results.flatMap(({ outputFiles }) => outputFiles);
  for (const file of files) writeWhole(file.path, file.contents);
  removeOldChunks(join(root, "dist/chunks"), new Set(files.map(({ path }) => path)));
  if (existsSync(join(root, bookshopSources))) await buildBookshop(root);
  writeWhole(join(root, "dist/.stamp"), stamp);
}

/** Programs that share chunks, many of them small: finding each takes a start half a millisecond. */
function bundleOptions(root, names) {
  return {
    absWorkingDir: root,
    entryPoints: names.map((name) => `src/main/${name}.ts`).filter((path) => existsSync(join(root, path))),
    outdir: "dist",
    outbase: "src/main",
    chunkNames: "chunks/[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    // Packages go into the bundles: a program starts in half the time and 30 MB less than with them outside
    // (docs/decisions/0010-bundled-packages.md). Those in CommonJS ask for `require`, which modules lack.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    plugins: [quickDescriptors],
    sourcemap: "linked",
    write: false,
    logLevel: "warning",
  };
}

function writeWhole(path, contents) {
  mkdirSync(dirname(path), { recursive: true });
  const staging = `${path}.${process.pid}`;
  writeFileSync(staging, contents);
  renameSync(staging, path);
}

function removeOldChunks(chunks, current) {
  if (!existsSync(chunks)) return;
  for (const name of readdirSync(chunks)) {
    const path = join(chunks, name);
    if (!current.has(path) && Date.now() - statSync(path).mtimeMs > OLD_CHUNK_AGE_MS)
      rmSync(path, { force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href && !isBuilt()) await build();
