// The command line as it is shipped: bundled, and without the sources' modules.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

test("meltemi version loads neither the kinds nor a YAML parser where there is no kubeconfig", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "meltemi-coverage-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const loaded = (...args: readonly string[]) => {
    const env = {
      PATH: process.env.PATH,
      HOME: "/nonexistent",
      NODE_V8_COVERAGE: join(directory, args.join("-")),
    };
    execFileSync(process.execPath, [projectPath("bin/meltemi.mjs"), ...args], { env, timeout: 60_000 });
    return modulesOf(env.NODE_V8_COVERAGE);
  };
  const heavy = /^\/\/ node_modules\/(typebox|yaml)\//m;
  assert.ok(
    loaded("manifest").some((text) => heavy.test(text)),
    "the check itself finds them",
  );
  assert.deepEqual(
    loaded("version")
      .filter((text) => heavy.test(text))
      .map((text) => text.slice(0, 200)),
    [],
  );
});

test("meltemi reads a kubeconfig", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "meltemi-kubeconfig-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const KUBECONFIG = join(directory, "config");
  writeFileSync(KUBECONFIG, "apiVersion: v1\nkind: Config\ncurrent-context: nowhere\n");
  const argv = [projectPath("bin/meltemi.mjs"), "tag", "list"];
  const { status, stderr } = spawnSync(process.execPath, argv, {
    env: { ...process.env, KUBECONFIG },
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.match(stderr, /context "nowhere"/);
  assert.notEqual(status, 0);
});

/** The texts of dist's modules that a process loaded, by its coverage. */
function modulesOf(directory: string): readonly string[] {
  const reports = readdirSync(directory).map((name) => readFileSync(join(directory, name), "utf8"));
  const urls = reports.flatMap((text) =>
    (JSON.parse(text) as { result: readonly { url: string }[] }).result.map(({ url }) => url),
  );
  return [...new Set(urls)]
    .filter((url) => url.includes("/dist/"))
    .map((url) => readFileSync(new URL(url), "utf8"));
}
