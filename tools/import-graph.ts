// Reads who imports whom under a source folder: values from esbuild's metafile, which knows what remains of
// an import at run time, and types from the text, as esbuild drops them.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import type { OnResolveArgs, OnResolveResult } from "esbuild";
import { build } from "esbuild";

export interface Import {
  readonly from: string;
  /** A path under the root such as `src/core/clock.ts`, or a module's name such as `node:fs`. */
  readonly to: string;
  readonly isType: boolean;
  /** Loaded on demand by `import()`: it makes no cycle while modules start. */
  readonly isDynamic: boolean;
}

/** Imports of every source file under `root`/src, without tests; generated files count as targets only. */
export async function readImports(root: string): Promise<Import[]> {
  const files = listSources(root);
  const values = await readValueImports(root, files);
  const isKnown = new Set(values.map((each) => `${each.from} ${each.to}`));
  const types = files.flatMap((file) => readTypeImports(root, file));
  return [...values, ...types.filter((each) => !isKnown.has(`${each.from} ${each.to}`))];
}

/** Paths under `root`, such as `src/core/clock.ts`, sorted. */
export function listSources(root: string): string[] {
  const names = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" });
  return names
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts") && !name.startsWith("gen"))
    .map((name) => `src/${name}`)
    .sort();
}

async function readValueImports(root: string, files: readonly string[]): Promise<Import[]> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [...files],
    outdir: "unused",
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "node",
    packages: "external",
    treeShaking: false,
    logLevel: "silent",
    plugins: [{ name: "leave out", setup: (plugin) => plugin.onResolve({ filter: /^\./ }, leaveOut(root)) }],
  });
  return Object.entries(metafile.inputs).flatMap(([from, input]) =>
    input.imports.map(({ path, kind }) => ({
      from,
      to: path,
      isType: false,
      isDynamic: kind === "dynamic-import",
    })),
  );
}

/**
 * Leaves generated files out of the bundle, as they are many, large, and import one another only; and files
 * that don't exist, which are for the type checker to report.
 */
function leaveOut(root: string) {
  return (args: OnResolveArgs): OnResolveResult | undefined => {
    if (args.kind === "entry-point") return undefined;
    const path = resolve(args.resolveDir, args.path);
    const target = relative(root, path);
    return target.startsWith("src/gen/") || !existsSync(path) ? { path: target, external: true } : undefined;
  };
}

// Formatted code has one form of import; strings that look like one stand in the middle of a line.
const STATIC_IMPORT = /^(?:import|export) (?:[^"';]*? from )?"([^"]+)"/gm;

function readTypeImports(root: string, from: string): Import[] {
  const source = readFileSync(join(root, from), "utf8");
  return [...source.matchAll(STATIC_IMPORT)].map(([, specifier = ""]) => {
    const to = specifier.startsWith(".")
      ? relative(root, resolve(root, dirname(from), specifier))
      : specifier;
    return { from, to, isType: true, isDynamic: false };
  });
}
