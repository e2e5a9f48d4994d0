import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { build } from "esbuild";
import { sourceStack } from "./source-stack.ts";

const folder = mkdtempSync(join(tmpdir(), `mlt-stack-${process.pid}-`));
after(() => rmSync(folder, { recursive: true }));

/** The stack of a program that was bundled as ours are. */
async function bundledStack(name: string, { sourcemap = true } = {}): Promise<string> {
  const source = join(folder, "src", `${name}.ts`);
  mkdirSync(join(folder, "src"), { recursive: true });
  const text = `interface Unseen {\n  a: 1;\n}\n\nexport function fail() {\n  throw new Error("here");\n}\nfail();\n`;
  writeFileSync(source, text);
  const outfile = join(folder, "dist", `${name}.mjs`);
  await build({ entryPoints: [source], outfile, bundle: true, format: "esm", sourcemap, logLevel: "error" });
  return spawnSync(process.execPath, [outfile], { encoding: "utf8" }).stderr;
}

test("a stack tells the lines of the sources that a bundle was made of", async () => {
  const stack = await bundledStack("mapped");
  assert.match(stack, /at fail \(file:.*mapped\.mjs:\d+:\d+\)/);
  const mapped = sourceStack(stack);
  assert.match(mapped, /at fail \([^()]*src\/mapped\.ts:6:9\)/);
  assert.match(mapped, /at [^ ()]*src\/mapped\.ts:8:1/);
  assert.match(mapped, /Error: here/);
});

test("a stack without a map, or with one that can't be read, stays as it is", async () => {
  const plain = await bundledStack("plain", { sourcemap: false });
  assert.equal(sourceStack(plain), plain);
  const broken = await bundledStack("broken");
  writeFileSync(join(folder, "dist/broken.mjs.map"), "{");
  assert.equal(sourceStack(broken), broken);
  assert.equal(sourceStack("Error: at file:///nowhere.js:1:1"), "Error: at file:///nowhere.js:1:1");
});
