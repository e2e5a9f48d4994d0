import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { chmod, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { inspect } from "node:util";
import { ManualClock } from "../core/clock.ts";
import { formatProblem } from "../core/problem.ts";
import { loadPluginAuthority, openPersistentAuthority } from "./authority-store.ts";

describe("authority store", () => {
  const clock = new ManualClock(Date.now());
  const options = { clock, trustDomain: "cluster.local" };
  const scratch = mkdtempSync(join(tmpdir(), "meltemi-ca-"));
  after(() => rm(scratch, { recursive: true, force: true }));
  let directoryCount = 0;

  function freshDirectory(): string {
    directoryCount++;
    return join(scratch, `state-${directoryCount}`, "ca");
  }

  async function opened(directory: string) {
    const result = await openPersistentAuthority(directory, options);
    return result.kind === "authority" ? result.authority : assert.fail(formatProblem(result.problem));
  }

  test("openPersistentAuthority() writes files of mode 0600 in a directory of 0700", async () => {
    const directory = freshDirectory();
    await opened(directory);
    assert.equal((await stat(directory)).mode & 0o777, 0o700);
    const files = await readdir(directory);
    assert.deepEqual(files.sort(), ["ca-cert.pem", "ca-key.pem", "root-cert.pem"]);
    for (const file of files) assert.equal((await stat(join(directory, file))).mode & 0o777, 0o600);
  });

  test("openPersistentAuthority() finds the same CA again", async () => {
    const directory = freshDirectory();
    const first = await opened(directory);
    assert.equal((await opened(directory)).rootsPem, first.rootsPem);
  });

  test("openPersistentAuthority() gives all that start at once the same CA and leaves nothing behind", async () => {
    const directory = freshDirectory();
    const authorities = await Promise.all(Array.from({ length: 8 }, () => opened(directory)));
    assert.equal(new Set(authorities.map((authority) => authority.rootsPem)).size, 1);
    assert.deepEqual(await readdir(join(directory, "..")), ["ca"]);
  });

  test("openPersistentAuthority() refuses a key that others can read, naming the file and never the key", async () => {
    const directory = freshDirectory();
    await opened(directory);
    const keyPath = join(directory, "ca-key.pem");
    await chmod(keyPath, 0o640);
    const result = await openPersistentAuthority(directory, options);
    assert.ok(result.kind === "problem");
    assert.equal(result.problem.code, "MLT5001");
    assert.match(formatProblem(result.problem), /ca-key.pem.*640/);
    const secretLine = (await readFile(keyPath, "utf8")).split("\n")[1] ?? "";
    assert.equal(inspect(result, { depth: 9 }).includes(secretLine), false);
  });

  test("openPersistentAuthority() says so when the state directory can't be written", async () => {
    const blocked = join(scratch, "a-file");
    await writeFile(blocked, "");
    const result = await openPersistentAuthority(join(blocked, "ca"), options);
    assert.equal(result.kind === "problem" && result.problem.code, "MLT5003");
  });

  test("loadPluginAuthority() reads shared mounts where that is allowed, and says what is missing", async () => {
    const directory = freshDirectory();
    await opened(directory);
    await chmod(join(directory, "ca-key.pem"), 0o644);
    const allowed = await loadPluginAuthority(directory, { clock, isSharedMountAllowed: true });
    assert.equal(allowed.kind, "authority");
    await rm(join(directory, "root-cert.pem"));
    const missing = await loadPluginAuthority(directory, { clock, isSharedMountAllowed: true });
    assert.match(missing.kind === "problem" ? missing.problem.message : "", /root-cert.pem/);
  });
});
