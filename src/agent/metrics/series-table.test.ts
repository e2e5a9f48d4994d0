import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { SeriesTable } from "./series-table.ts";

test("SeriesTable keeps none of the text that its lines were cut out of", () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  const heapBytes = () => {
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const table = new SeriesTable<{ readonly labels: string }>(1_000, (labels) => ({ labels }));
  const before = heapBytes();
  for (let at = 0; at < 500; at += 1) {
    const written = Buffer.from(`a line of Envoy's, number ${at}\n${"x".repeat(65_536)}`).toString("latin1");
    const [line = ""] = written.split("\n");
    assert.ok(table.of(line, () => [["number", String(at)]]) !== undefined);
  }
  const grownBytes = heapBytes() - before;
  assert.equal(table.all().length, 500);
  assert.ok(grownBytes < 4 * 2 ** 20, `${grownBytes} bytes more`);
});
