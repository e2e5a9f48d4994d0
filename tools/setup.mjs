// Makes a clone ready to run: npm packages, Debian packages, generated code, bundles, Envoy. Does only what
// is missing, so that callers needn't ask first. Plain Node: nothing is installed when it starts.

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { installPackages, missingPackages } from "./debian-packages.mjs";
import { areNpmPackagesInstalled } from "./npm-packages.mjs";
import { readRelease } from "./read-release.mjs";
import { runCommand } from "./run-command.mjs";
import { SetUpError } from "./set-up-error.mjs";

const projectRoot = join(dirname(fileURLToPath(import.meta.url)), "..");

/**
 * `purpose`: `build` prepares the code alone; `demo`, `test` and `kubernetes` also what the machine must have.
 * Throws a SetUpError for what only the user can provide.
 */
export async function setUp(purpose, { print = console.log } = {}) {
  requireNode(process.versions.node);
  const step = async (title, act) => {
    print(`set-up: ${title} …`);
    const startMs = performance.now();
    await act();
    print(`set-up: ${title}: done in ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
  };
  if (!areNpmPackagesInstalled(projectRoot)) await step("npm packages", installNpmPackages);
  const needsMachine = purpose !== "build" && process.platform === "linux";
  const packages = needsMachine ? missingPackages(purpose) : [];
  if (packages.length > 0) {
    const isRoot = process.getuid() === 0;
    await step(`Debian packages ${packages.join(", ")}`, () => installPackages(packages, { isRoot }));
  }
  // These two import npm packages, which may only just have arrived.
  const { generate, isGenerated } = await import("./generate.mjs");
  if (!isGenerated()) await step("code of Envoy's API", generate);
  const { build, isBuilt } = await import("./build.mjs");
  if (!isBuilt()) await step("bundles", build);
  if (needsMachine && !hasEnvoy(process.env)) await step("Envoy", fetchEnvoy);
}

function requireNode(version) {
  const [major, minor] = version.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  throw new SetUpError(`Cannot run on Node ${version}: Node 20.19 or newer is needed (https://nodejs.org)`);
}

async function installNpmPackages() {
  const { code, output } = await runCommand(["npm", "ci", "--no-audit", "--no-fund"], { cwd: projectRoot });
  if (code !== 0) throw new SetUpError(`Cannot install npm packages: \`npm ci\` failed\n${output.trimEnd()}`);
}

/** Whether one is there at all; whether it will do is for `findEnvoy` to say, where it is used. */
function hasEnvoy(env) {
  if (env.MELTEMI_ENVOY) return true;
  const cacheHome = env.XDG_CACHE_HOME || join(env.HOME || homedir(), ".cache");
  if (existsSync(join(cacheHome, "meltemi/envoy", readRelease().version, "envoy"))) return true;
  return (env.PATH ?? "")
    .split(delimiter)
    .some((folder) => folder !== "" && existsSync(join(folder, "envoy")));
}

async function fetchEnvoy() {
  const command = [process.execPath, "--import", "tsx", "tools/fetch-envoy.ts"];
  const { code, output } = await runCommand(command, { cwd: projectRoot });
  if (code !== 0) throw new SetUpError(output.trim().split("\n").at(-1));
}

/** For programs that begin with set-up: runs it, or ends the process with one sentence and exit code 3. */
export async function setUpOrExit(purpose) {
  try {
    await setUp(purpose);
  } catch (error) {
    if (!(error instanceof SetUpError)) throw error;
    console.error(error.message);
    process.exit(3);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
  await setUpOrExit(process.argv[2] ?? "test");
