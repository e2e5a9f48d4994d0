#!/usr/bin/env node
// The `meltemi` command: runs the bundle that set-up builds.

import { existsSync } from "node:fs";

const program = new URL("../dist/cli.js", import.meta.url);
if (existsSync(program)) await import(program.href);
else {
  console.error("Cannot start meltemi: it isn't built yet; run `npm run setup` in the project's folder");
  process.exitCode = 3;
}
