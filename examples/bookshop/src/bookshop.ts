// The program of the bookshop's image, which holds all of its apps: starts the one that it is told.

import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname } from "node:path";

const [, program = "", name = ""] = process.argv;
const apps = readdirSync(dirname(program))
  .filter((file) => file.endsWith(".cjs") && file !== basename(program))
  .map((file) => basename(file, ".cjs"));

if (apps.includes(name)) createRequire(program)(`./${name}.cjs`);
else {
  console.error(`There is no app "${name}", only ${apps.sort().join(", ")}`);
  process.exitCode = 2;
}
