import assert from "node:assert/strict";
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { checkSyntax, checkText } from "./check-shape.ts";
import { TypeScriptProgram } from "./typescript-program.ts";

/** Lines of `source` that checkSyntax() complains about. */
function faultyLines(source: string): number[] {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "check-shape-")));
  writeFileSync(
    join(root, "tsconfig.json"),
    '{ "compilerOptions": { "target": "es2023", "types": [] }, "include": ["*"] }',
  );
  writeFileSync(join(root, "a.ts"), source);
  const program = new TypeScriptProgram(root);
  try {
    const findings = program.files(() => true).flatMap((file) => checkSyntax(program, file));
    return findings.map((finding) => Number(/^a\.ts:(\d+):/.exec(finding)?.[1]));
  } finally {
    program.close();
    rmSync(root, { recursive: true });
  }
}

const opening = "// A file.\n";

describe("checkText()", () => {
  it("accepts a file with a noun and an opening comment", () => {
    assert.deepEqual(
      checkText("src/envoy/http-connection-manager.ts", `${opening}export const one = 1;\n`),
      [],
    );
    assert.deepEqual(checkText("bin/meltemi.mjs", `#!/usr/bin/env node\n${opening}`), []);
    assert.deepEqual(checkText("src/core/clock.test.ts", "import 1;\n"), []);
  });

  it("finds a file without an opening comment", () => {
    assert.match(
      checkText("src/core/clock.ts", "\n// late\n").join(),
      /clock\.ts:1: opens without a comment/,
    );
  });

  it("counts lines", () => {
    assert.deepEqual(checkText("src/a.ts", opening.repeat(500)), []);
    assert.match(checkText("src/a.ts", opening.repeat(501)).join(), /501 lines, at most 500/);
  });

  for (const path of [
    "src/core/util.ts",
    "src/helpers/clock.ts",
    "src/xds/types.test.ts",
    "src/xds/stream-utils.ts",
  ]) {
    it(`refuses ${path}`, () => assert.match(checkText(path, opening).join(), /says nothing/));
  }
});

describe("checkSyntax()", () => {
  it("finds a fifth level of control flow, each branch once", () => {
    const source = `export function deep(n: number[]) {
  for (const a of n) {
    if (a) {
      while (a) {
        try {
          if (a) { if (a) { n.push(1); } }
          for (;;) { break; }
        } catch { n.pop(); }
      }
    }
  }
}`;
    assert.deepEqual(faultyLines(source), [6, 7]);
  });

  it("counts else-if as one level, and starts anew in a function", () => {
    const chain = "if (a === 1) { n.pop(); } else ".repeat(9);
    const source = `export function flat(n: number[], a: number) {
  ${chain} { n.push(a); }
  for (const b of n) { if (b) { if (a) { n.forEach((c) => { if (c) { if (b) { n.pop(); } } }); } } }
}`;
    assert.deepEqual(faultyLines(source), []);
  });

  it("finds promises that nobody waits for", () => {
    const source = `declare const store: { save(): Promise<void>; saved?: Promise<void>; now(): PromiseLike<number> };
declare function each(act: (n: number) => void): void;
declare function eachAsync(act: (n: number) => Promise<void> | void): Promise<void>;
export async function main(isReady: boolean) {
  store.save();
  store.now();
  isReady && store.save();
  isReady ? store.save() : undefined;
  store.save().then(() => 1);
  store.save().finally(() => 1);
  each(async () => { await store.save(); });
  (async () => { await store.save(); })();
}`;
    assert.deepEqual(faultyLines(source), [5, 6, 7, 8, 9, 10, 12, 11]);
  });

  it("accepts promises that are awaited, kept, caught or waved off", () => {
    const source = `declare const store: { save(): Promise<void>; saved?: Promise<void> };
declare function eachAsync(act: (n: number) => Promise<void> | void): Promise<void>;
export async function main() {
  await store.save();
  store.saved = store.save();
  store.saved ??= store.save();
  store.save().catch(() => 1);
  store.save().then(() => 1, () => 2);
  void store.save();
  await eachAsync(async () => { await store.save(); });
  [1].map(async () => store.save());
  return store.save();
}`;
    assert.deepEqual(faultyLines(source), []);
  });
});
