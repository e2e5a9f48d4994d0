import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { chmod, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { openTokenKey } from "./token-key-store.ts";

describe("token key store", () => {
  const scratch = mkdtempSync(join(tmpdir(), "meltemi-token-"));
  after(() => rm(scratch, { recursive: true, force: true }));

  async function opened(path: string) {
    const result = await openTokenKey(path);
    return result.kind === "key" ? result.key : assert.fail(result.problem.message);
  }

  test("openTokenKey() keeps one key of mode 0600, also for those that start at once", async () => {
    const path = join(scratch, "tokens", "key.pem");
    const keys = await Promise.all([opened(path), opened(path), opened(path)]);
    const [first] = keys;
    assert.ok(first !== undefined && keys.every((key) => key.equals(first)));
    assert.equal((await opened(path)).equals(first), true);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(join(scratch, "tokens")), ["key.pem"]);
  });

  test("openTokenKey() refuses a readable key and a file that isn't one", async () => {
    const path = join(scratch, "other.pem");
    await writeFile(path, "hello", { mode: 0o600 });
    const unfit = await openTokenKey(path);
    assert.equal(unfit.kind === "problem" && unfit.problem.code, "MLT5002");
    await chmod(path, 0o644);
    const exposed = await openTokenKey(path);
    assert.equal(exposed.kind === "problem" && exposed.problem.code, "MLT5001");
  });
});
