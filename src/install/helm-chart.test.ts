import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { controlPlaneChart, gatewayChart } from "./helm-chart.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
const charts = { meltemi: controlPlaneChart, gateway: gatewayChart };

for (const [name, chart] of Object.entries(charts)) {
  const folder = join(root, "charts", name);

  test(`charts/${name} is what ${chart.name}() makes`, () => {
    const files = chart(version);
    if (process.env.MELTEMI_WRITE === "1") {
      rmSync(folder, { recursive: true, force: true });
      for (const [path, text] of files) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), text);
      }
    }
    const found = readdirSync(folder, { recursive: true, withFileTypes: true, encoding: "utf8" })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
    assert.deepEqual(found.sort(), [...files.keys()].sort());
    for (const [path, text] of files) {
      const isSame = readFileSync(join(folder, path), "utf8") === text;
      assert.ok(isSame, `${path} is stale: run this test with MELTEMI_WRITE=1`);
    }
  });

  test(`${chart.name}() explains every value`, () => {
    const text = chart("1.2.3").get("values.yaml") ?? "";
    const values = parse(text) as Record<string, unknown>;
    assert.deepEqual(values.revision, "default");
    assert.equal(text.match(/^# /gm)?.length, Object.keys(values).length);
  });
}
