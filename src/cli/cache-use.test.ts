import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { access, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { cacheUsers, useCache } from "./cache-use.ts";

const program = fileURLToPath(new URL("../main/cli.ts", import.meta.url));

test("meltemi down --purge keeps the cache that another mesh runs from, and says so", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "meltemi-cache-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const cache = join(directory, "meltemi");
  const use = await useCache(cache, "other");
  await writeFile(join(cache, "envoy"), "");
  const purge = async () => {
    const env = { ...process.env, XDG_CACHE_HOME: directory, MELTEMI_STATE_DIR: join(directory, "state") };
    const argv = ["--import", "tsx", program, "down", "--name", "mine", "--purge"];
    return (await promisify(execFile)(process.execPath, argv, { env })).stderr;
  };
  assert.match(
    await purge(),
    new RegExp(`kept ${cache}: in use by mesh "other" \\(process ${process.pid}\\)`),
  );
  await access(join(cache, "envoy"));
  await use.release();
  assert.match(await purge(), new RegExp(`removed ${cache}`));
  assert.deepEqual(await readdir(directory), []);
});

test("cacheUsers() doesn't count a process that is gone, nor another one of its number", async (t) => {
  const cache = await mkdtemp(join(tmpdir(), "meltemi-cache-"));
  t.after(() => rm(cache, { recursive: true, force: true }));
  await useCache(cache, "mine");
  await writeFile(join(cache, "in-use", "1"), "1 123 impostor\n");
  await writeFile(join(cache, "in-use", "4194305"), "4194305 123 gone\n");
  assert.deepEqual(
    (await cacheUsers(cache)).map(({ note }) => note),
    ["mine"],
  );
});
