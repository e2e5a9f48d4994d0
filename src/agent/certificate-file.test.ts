import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readCertificateFile } from "./certificate-file.ts";

async function reasonOf(path: string): Promise<string> {
  const outcome = await readCertificateFile(path);
  return outcome.kind === "none" ? outcome.reason : "read";
}

test("readCertificateFile() takes regular files only, of bounded size", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "meltemi-file-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const at = (name: string) => join(directory, name);
  writeFileSync(at("good.pem"), "text");
  writeFileSync(at("huge.pem"), "");
  truncateSync(at("huge.pem"), 2_000_000_000);
  execFileSync("mkfifo", [at("fifo.pem")]);
  const good = await readCertificateFile(at("good.pem"));
  assert.equal(good.kind === "read" && good.bytes.toString(), "text");
  assert.equal(await reasonOf(at("none.pem")), `${at("none.pem")} can't be read (ENOENT)`);
  assert.equal(
    await reasonOf(at("huge.pem")),
    `${at("huge.pem")} has 2000000000 bytes, at most 1048576 are read`,
  );
  assert.equal(await reasonOf(at("fifo.pem")), `${at("fifo.pem")} isn't a regular file`);
  assert.equal(await reasonOf("/dev/zero"), "/dev/zero isn't a regular file");
  assert.equal(await reasonOf(directory), `${directory} isn't a regular file`);
});
