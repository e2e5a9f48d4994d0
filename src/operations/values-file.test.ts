import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { controlPlaneValues } from "../install/control-plane-values.ts";
import { readValuesFile } from "./values-file.ts";

describe("values file", () => {
  const folder = mkdtempSync(join(tmpdir(), "meltemi-values-"));
  after(() => rmSync(folder, { recursive: true }));

  function read(text: string) {
    const file = join(folder, "values.yaml");
    writeFileSync(file, text);
    return readValuesFile(file, controlPlaneValues);
  }

  test("readValuesFile() reads what a chart takes", async () => {
    const values = await read("replicas: 3\ntolerations:\n  - key: dedicated\n    operator: Exists\n");
    assert.deepEqual(values, { replicas: 3, tolerations: [{ key: "dedicated", operator: "Exists" }] });
    assert.deepEqual(await read("# nothing\n"), {});
  });

  test("readValuesFile() says all that is wrong, with its lines", async () => {
    await assert.rejects(read("replicas: many\ntolerations:\n  - kee: dedicated\n"), (error: Error) => {
      const lines = error.message.split("\n");
      assert.equal(lines.length, 2, error.message);
      assert.match(lines[0] ?? "", /values\.yaml:1:1: error MLT\d+ replicas: .*"many"/);
      assert.match(lines[1] ?? "", /values\.yaml:3:5: error MLT\d+ tolerations\[0\]\.kee: /);
      return true;
    });
  });

  test("readValuesFile() refuses what isn't a file of values", async () => {
    await assert.rejects(read("replicas: [\n"), /values\.yaml:\d+:\d+: error MLT1001/);
    await assert.rejects(read("a: 1\n---\nb: 2\n"), /found a second document, wanted one/);
    await assert.rejects(readValuesFile(join(folder, "none.yaml"), controlPlaneValues), /none\.yaml/);
  });
});
