// Where the project's files lie, be it run from its sources or from the bundle.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const isSource = import.meta.url.endsWith(".ts");

/** Absolute path of something in the project's root. */
export function projectPath(path: string): string {
  // src/main/*.ts lies two folders below the root; dist/*.js one, and dist/chunks/*.js two.
  const isTwoBelow = isSource || import.meta.url.includes("/dist/chunks/");
  return fileURLToPath(new URL(`${isTwoBelow ? "../.." : ".."}/${path}`, import.meta.url));
}

export function readVersion(): string {
  return (JSON.parse(readFileSync(projectPath("package.json"), "utf8")) as { version: string }).version;
}

/** The command line of another program of src/main. */
export function programArgv(name: "supervisor" | "control-plane" | "agent"): readonly [string, ...string[]] {
  if (!isSource) return [process.execPath, projectPath(`dist/${name}.js`)];
  return [process.execPath, "--import", import.meta.resolve("tsx"), projectPath(`src/main/${name}.ts`)];
}
