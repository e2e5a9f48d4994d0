// Which shared libraries a program of this machine needs, as its dynamic linker resolves them.

import { execFileSync } from "node:child_process";

/** Absolute paths, the linker itself among them; none for a static program. Throws if one is missing. */
export function sharedLibraries(program: string): readonly string[] {
  let output: string;
  try {
    output = execFileSync("ldd", [program], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    const said = (error as { stderr?: string }).stderr ?? "";
    if (said.includes("not a dynamic executable")) return [];
    throw error;
  }
  if (/statically linked/.test(output)) return [];
  const missing = /^\s*(\S+) => not found/m.exec(output)?.[1];
  if (missing !== undefined) throw new Error(`${program} needs ${missing}, which this machine lacks`);
  return [...output.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)].map((match) => match[1] ?? "").sort();
}
