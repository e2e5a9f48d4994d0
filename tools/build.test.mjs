import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { build, isBuilt } from "./build.mjs";

/** A project of two small programs that share a file. */
async function inProject(act) {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "build-")));
  const write = (path, text) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  write("package.json", '{ "type": "module" }');
  write("package-lock.json", "{}");
  write("src/gen/.stamp", "1");
  write("src/core/greeting.ts", "export const greeting: string = require('node:os').EOL + 'hello';\n");
  write("src/main/cli.ts", 'console.log((await import("../core/greeting.ts")).greeting);\n');
  write("src/main/agent.ts", 'import { greeting } from "../core/greeting.ts";\nconsole.log(greeting);\n');
  try {
    await act({ root, write });
  } finally {
    rmSync(root, { recursive: true });
  }
}

describe("build()", () => {
  it("makes programs that run, CommonJS's require included", () =>
    inProject(async ({ root }) => {
      await build(root);
      for (const name of ["cli", "agent"]) {
        const output = execFileSync(process.execPath, [join(root, `dist/${name}.js`)], { encoding: "utf8" });
        assert.equal(output, "\nhello\n");
      }
      assert.ok(!existsSync(join(root, "dist/supervisor.js")));
    }));

  it("is due again after a change of a source or of generated code, not of a test", () =>
    inProject(async ({ root, write }) => {
      assert.ok(!isBuilt(root));
      await build(root);
      assert.ok(isBuilt(root));
      write("src/core/greeting.test.ts", "");
      assert.ok(isBuilt(root));
      write("src/core/greeting.ts", "export const greeting = 'hi';\n");
      assert.ok(!isBuilt(root));
      await build(root);
      write("src/gen/.stamp", "22");
      assert.ok(!isBuilt(root));
    }));

  it("removes chunks of earlier builds once they are old", () =>
    inProject(async ({ root, write }) => {
      write("dist/chunks/old.js", "");
      write("dist/chunks/recent.js", "");
      const twoHoursAgo = new Date(Date.now() - 7_200_000);
      utimesSync(join(root, "dist/chunks/old.js"), twoHoursAgo, twoHoursAgo);
      await build(root);
      assert.ok(!existsSync(join(root, "dist/chunks/old.js")));
      assert.ok(existsSync(join(root, "dist/chunks/recent.js")));
    }));
});
