// Runs a benchmark: `npm run bench -- NAME [ARGUMENT…]` is bench/NAME/main.ts.

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { setUpOrExit } from "./setup.mjs";

const folder = join(dirname(fileURLToPath(import.meta.url)), "../bench");
const [name = "", ...args] = process.argv.slice(2);
const names = existsSync(folder)
  ? readdirSync(folder).filter((each) => existsSync(join(folder, each, "main.ts")))
  : [];
if (!names.includes(name)) {
  console.error(`usage: npm run bench -- ${names.join("|") || "NAME"} [ARGUMENT…]`);
  process.exit(2);
}
await setUpOrExit("demo");
const run = spawnSync(process.execPath, ["--import", "tsx", join(folder, name, "main.ts"), ...args], {
  stdio: "inherit",
});
process.exit(run.status ?? 1);
