import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { checkLayers, checkPlaces, drawLayers, insertDiagram } from "./check-layers.ts";
import { findCycles } from "./find-cycles.ts";
import { readImports } from "./import-graph.ts";

/** Findings for a project of these files (path under src/ → source). */
async function check(files: Readonly<Record<string, string>>): Promise<string[]> {
  const root = mkdtempSync(join(tmpdir(), "check-layers-"));
  try {
    for (const [path, source] of Object.entries(files)) {
      mkdirSync(dirname(join(root, "src", path)), { recursive: true });
      writeFileSync(join(root, "src", path), source);
    }
    return checkLayers(await readImports(root));
  } finally {
    rmSync(root, { recursive: true });
  }
}

const noun = "export const one = 1;\nexport type One = 1;\n";

describe("checkLayers()", () => {
  it("lets a room use what it sees", async () => {
    const findings = await check({
      "core/one.ts": noun,
      "gen/a/b_pb.ts": noun,
      "model/row.ts": 'import { one } from "../core/one.ts";\nexport type Row = typeof one;\n',
      "envoy/build.ts":
        'import { one } from "../core/one.ts";\nimport { one as two } from "../gen/a/b_pb.ts";\n' +
        'import type { Row } from "../model/row.ts";\nexport const row: Row = one + two - two;\n',
    });
    assert.deepEqual(findings, []);
  });

  it("finds an import against the street, of a value and of a type", async () => {
    const findings = await check({
      "xds/stream.ts": noun,
      "model/value.ts": 'export { one } from "../xds/stream.ts";\n',
      "model/type.ts": 'import type {\n  One,\n} from "../xds/stream.ts";\nexport const x: One = 1;\n',
    });
    assert.deepEqual(findings, [
      "src/model/type.ts imports src/xds/stream.ts, but model sees only core, graph, kinds",
      "src/model/value.ts imports src/xds/stream.ts, but model sees only core, graph, kinds",
    ]);
  });

  it("lets a builder use the types of model's rows, and not its values", async () => {
    const findings = await check({
      "model/row.ts": noun,
      "envoy/build.ts": 'import { one } from "../model/row.ts";\nexport const x = one;\n',
    });
    assert.deepEqual(findings, [
      "src/envoy/build.ts imports src/model/row.ts, but envoy sees only types of model",
    ]);
  });

  it("finds I/O in a pure room, however it is imported", async () => {
    const findings = await check({
      "core/one.ts": 'export const load = () => import("node:fs/promises");\n',
    });
    assert.match(findings.join(), /src\/core\/one\.ts imports "node:fs\/promises", but core is pure/);
  });

  it("lets nobody import main, and main everything", async () => {
    const findings = await check({
      "main/cli.ts": 'import { one } from "../core/one.ts";\nexport const x = one;\n',
      "core/one.ts": noun,
      "cli/up.ts": 'export const run = () => import("../main/cli.ts");\n',
    });
    assert.deepEqual(findings, ["src/cli/up.ts imports src/main/cli.ts, but nobody imports main"]);
  });

  it("finds a cycle of values and one of types, and leaves one that is loaded on demand alone", async () => {
    const findings = await check({
      "core/a.ts": 'import { b } from "./b.ts";\nexport const a = () => b;\n',
      "core/b.ts": 'import { c } from "./c.ts";\nexport const b = () => c;\n',
      "core/c.ts": 'import { a } from "./a.ts";\nexport const c = () => a;\n',
      "core/d.ts": 'import type { E } from "./e.ts";\nexport type D = E;\n',
      "core/e.ts": 'import type { D } from "./d.ts";\nexport type E = D[];\n',
      "core/f.ts": 'import { g } from "./g.ts";\nexport const f = g;\n',
      "core/g.ts": 'export const g = () => import("./f.ts");\n',
    });
    assert.deepEqual(findings, [
      "Cycle of imports, types included: src/core/a.ts -> src/core/b.ts -> src/core/c.ts -> src/core/a.ts",
      "Cycle of imports, types included: src/core/d.ts -> src/core/e.ts -> src/core/d.ts",
    ]);
  });

  it("finds a folder that is no room", async () => {
    const findings = await check({ "extra/a.ts": 'import "../core/one.ts";\n', "core/one.ts": noun });
    assert.match(findings.join(), /in no room that tools\/layers\.ts knows: "extra"/);
  });
});

describe("checkPlaces()", () => {
  it("finds what only tests use, and leaves tests beside the code alone", () => {
    const files = [
      "src/a/test-server.ts",
      "src/a/mesh-fixture.ts",
      "src/a/test-drive.test.ts",
      "src/a/contest.ts",
    ];
    assert.deepEqual(checkPlaces(files), [
      "src/a/test-server.ts is for tests: it belongs in tests/support",
      "src/a/mesh-fixture.ts is for tests: it belongs in tests/support",
    ]);
  });
});

describe("findCycles()", () => {
  it("finds a file that imports itself, and two knots apart", () => {
    const edges = ["aa", "bc", "cb", "bd"].map(([from = "", to = ""]) => ({ from, to }));
    assert.deepEqual(findCycles(edges), [
      ["a", "a"],
      ["b", "c", "b"],
    ]);
  });
});

describe("insertDiagram()", () => {
  it("replaces what stands between the markers, and only that", () => {
    const document =
      "before\n<!-- layers: drawn by tools/check-layers.ts --write -->\nold\n<!-- /layers -->\nafter\n";
    const updated = insertDiagram(document, drawLayers());
    assert.match(
      updated ?? "",
      /^before\n[\s\S]*core +nouns without I\/O +<- nothing\n[\s\S]*<!-- \/layers -->\nafter\n$/,
    );
    assert.equal(insertDiagram(updated ?? "", drawLayers()), updated);
    assert.equal(insertDiagram("no markers", "x"), undefined);
  });
});
