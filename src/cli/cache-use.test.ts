import assert from "node:assert/strict";
import { access, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { cacheUsers, useCache } from "./cache-use.ts";
import type { CommandContext } from "./command.ts";
import { run as down } from "./down.ts";

test("meltemi down --purge keeps the cache that another mesh runs from, and says so", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "meltemi-cache-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const cache = join(directory, "meltemi");
  const use = await useCache(cache, "other");
  await writeFile(join(cache, "envoy"), "");
  const purge = async () => {
    const told: string[] = [];
    const terminal = { writeError: (text: string) => void told.push(text) };
    const env = { XDG_CACHE_HOME: directory, MELTEMI_STATE_DIR: join(directory, "state") };
    await down({ terminal, env } as unknown as CommandContext, {
      args: [],
      options: { name: "mine", purge: true },
    });
    return told.join("");
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
