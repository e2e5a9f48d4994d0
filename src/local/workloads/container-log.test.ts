import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ContainerLog } from "./container-log.ts";
import { splitLines } from "./line-splitter.ts";

test("ContainerLog keeps the last lines and tells each to those who watch", () => {
  const log = new ContainerLog({ maxLines: 3 });
  const seen: string[] = [];
  const end = log.watch((line) => seen.push(line.text));
  for (let index = 0; index < 10; index += 1) log.append({ atMs: 0, stream: "stdout", text: `${index}` });
  end();
  log.append({ atMs: 0, stream: "stderr", text: "last" });
  assert.deepEqual(
    log.tail().map((line) => line.text),
    ["8", "9", "last"],
  );
  assert.equal(seen.length, 10);
});

test("ContainerLog rotates its file by size", async (context) => {
  const directory = await mkdtemp(join(tmpdir(), "meltemi-log-"));
  context.after(() => rm(directory, { recursive: true }));
  const file = join(directory, "logs/app.log");
  const log = new ContainerLog({ file, maxFileBytes: 200 });
  for (let index = 0; index < 20; index += 1) log.append({ atMs: 0, stream: "stdout", text: "a line" });
  log.close();
  assert.ok(existsSync(`${file}.1`));
});

test("splitLines() joins chunks, keeps characters whole and gives the last line", () => {
  const lines: string[] = [];
  const splitter = splitLines((line) => lines.push(line));
  const bytes = Buffer.from("one\r\ntwö\nlast");
  for (const byte of bytes) splitter.write(Uint8Array.of(byte));
  splitter.end();
  assert.deepEqual(lines, ["one", "twö", "last"]);
});

test("splitLines() cuts a line that never ends", () => {
  const lines: string[] = [];
  const splitter = splitLines((line) => lines.push(line));
  splitter.write(Buffer.alloc(40_000, "x"));
  assert.deepEqual(
    lines.map((line) => line.length),
    [16_384, 16_384],
  );
});
