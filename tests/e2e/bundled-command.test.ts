// The command line as it is shipped: bundled, and without the sources' modules.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { parseAllDocuments } from "yaml";
import { projectPath } from "../../src/process/project.ts";

function meltemi(...args: readonly string[]): string {
  const argv = [projectPath("bin/meltemi.mjs"), ...args];
  return execFileSync(process.execPath, argv, { encoding: "utf8", timeout: 60_000, maxBuffer: 64 << 20 });
}

test("meltemi manifest prints the same objects as YAML and as JSON", () => {
  const yaml = parseAllDocuments(meltemi("manifest", "--profile", "cni")).map(
    (each) => each.toJS() as object,
  );
  const json = JSON.parse(meltemi("manifest", "--profile", "cni", "-o", "json")) as { items: object[] };
  assert.ok(yaml.length > 20);
  assert.deepEqual(yaml, json.items);
});

test("meltemi COMMAND --help is there for every command", () => {
  const commands = [...meltemi("--help").matchAll(/^ {2}([a-z-]+)[ |]/gm)].map(([, name = ""]) => name);
  assert.ok(commands.length > 15, commands.join());
  for (const command of commands.filter((name) => name !== "help" && name !== "meltemi"))
    assert.match(meltemi(command, "--help"), new RegExp(`^Usage: meltemi ${command}`), command);
});
