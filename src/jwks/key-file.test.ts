import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { readKeyFile, writeKeyFile } from "./key-file.ts";

const records = new Map([
  ["jwks http://b", { jwks: "{}", fetchedAt: "2026-01-01T00:00:00.000Z" }],
  ["discovery http://a", { failure: "HTTP status 500" }],
]);

async function filePath(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "meltemi-keys-"));
  t.after(() => rm(directory, { recursive: true }));
  return join(directory, "issuer-keys.json");
}

test("readKeyFile() gives what writeKeyFile() wrote, which nobody else reads", async (t) => {
  const path = await filePath(t);
  await writeKeyFile(path, new Map());
  await writeKeyFile(path, records);
  assert.deepEqual(new Map([...(await readKeyFile(path))].sort().reverse()), records);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(join(path, "..")), ["issuer-keys.json"]);
});

test("readKeyFile() takes a file that isn't there, or is none of ours, for an empty one", async (t) => {
  const path = await filePath(t);
  assert.deepEqual(await readKeyFile(path), new Map());
  for (const text of ["", "{", "[]", "null", '{"a":1}', '{"a":"{}"}', '{"a":"{\\"location\\":1}"}']) {
    await writeFile(path, text);
    assert.deepEqual(await readKeyFile(path), new Map(), text);
  }
});
