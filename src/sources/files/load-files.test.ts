import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { locate } from "../../core/positions.ts";
import { formatProblem } from "../../core/problem.ts";
import { loadFiles } from "./load-files.ts";
import { loadMeshConfig } from "./load-mesh-config.ts";
import { parseManifest } from "./manifest.ts";
import { MAX_FILE_BYTES } from "./manifest-files.ts";

describe("loadFiles()", () => {
  let directory = "";
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), `meltemi-load-${process.pid}-`));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  let count = 0;

  async function folder(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
    const path = join(directory, String(count++));
    for (const [name, content] of Object.entries(files)) {
      await mkdir(join(path, name, ".."), { recursive: true });
      await writeFile(join(path, name), content);
    }
    return path;
  }

  function service(name: string, port = 80) {
    return `apiVersion: v1\nkind: Service\nmetadata:\n  name: ${name}\nspec:\n  ports:\n  - port: ${port}\n`;
  }

  test("loadFiles() reads directories in order, all documents, and lists", async () => {
    const path = await folder({
      "b.yaml": `${service("b1")}---\n${service("b2")}---\n# nothing\n`,
      "a/deep/a.yml": service("a"),
      "c.json": JSON.stringify({
        apiVersion: "v1",
        kind: "List",
        items: [{ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } }],
      }),
      "readme.md": "no manifest",
      ".hidden/x.yaml": "no: manifest",
      "images.yaml": "web: node web.js",
    });
    const { objects, problems } = await loadFiles([path]);
    assert.deepEqual(problems, []);
    assert.deepEqual(
      objects.map(({ key }) => key),
      ["Service/default/a", "Service/default/b1", "Service/default/b2", "Namespace//shop"],
    );
  });

  test("loadFiles() knows the place of every field", async () => {
    const path = await folder({ "a.yaml": `# first\n---\n${service("a")}` });
    const [loaded] = (await loadFiles([path])).objects;
    assert.ok(loaded !== undefined);
    assert.deepEqual(locate(loaded.positions, "spec.ports[0].port"), {
      file: join(path, "a.yaml"),
      line: 9,
      column: 5,
    });
  });

  test("loadFiles() reads octal modes and booleans as kubectl does", async () => {
    const text = `apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  hostNetwork: no
  containers:
  - {name: web, command: ["8080:80"]}
  volumes:
  - name: keys
    secret: {secretName: keys, defaultMode: 0400}
`;
    const [loaded] = (await loadFiles([await folder({ "a.yaml": text })])).objects;
    const spec = loaded?.object.spec as Record<string, never>;
    assert.deepEqual(spec.volumes, [{ name: "keys", secret: { secretName: "keys", defaultMode: 0o400 } }]);
    assert.equal(spec.hostNetwork, false);
  });

  test("loadFiles() names file, line and column of each mistake, and nothing is thrown", async () => {
    const cases: [string, string | Uint8Array, RegExp][] = [
      ["duplicate key", `${service("a")}spec: {}\n`, /a\.yaml:8:1: error MLT1001: Map keys must be unique/],
      ["bad indent", "apiVersion: v1\nmetadata:\n    name: a\n  labels: {}\n", /a\.yaml:4:1: error MLT1001/],
      ["tab", "metadata:\n\tname: a\n", /a\.yaml:2:1: error MLT1001: Tabs.*indent with spaces/],
      ["open quote", 'a: "b\n', /a\.yaml:\d:\d: error MLT1001: Missing closing/],
      ["control character", service("a\0b"), /a\.yaml:4:10: error MLT1001: .*U\+0000/],
      ["empty file", "", /a\.yaml:1:1: info MLT1010/],
      ["only comments", "# to do\n", /a\.yaml:1:1: info MLT1010/],
      ["alias without anchor", "a:\n  b: *c\n", /a\.yaml:2:6: error MLT1001: .*Unresolved alias/],
      ["alias bomb", aliasBomb(), /a\.yaml:1:1: error MLT1001: .*aliases multiply/],
      ["deep nesting", "[".repeat(100_000), /a\.yaml:1:1: error MLT1001: .*nested too deeply/],
      ["not UTF-8", new Uint8Array([0xff, 0xfe, 0x41, 0x00]), /a\.yaml:1:1: error MLT1008: .*UTF-8/],
      ["too large", new Uint8Array(MAX_FILE_BYTES + 1), /a\.yaml:1:1: error MLT1008: .*4 MiB/],
      [
        "unknown field",
        `${service("a")}    prot: 1\n`,
        /a\.yaml:8:5: error MLT1003 Service default\/a spec\.ports\[0\]\.prot/,
      ],
      [
        "wrong type",
        service("a").replace("80", '"80"'),
        /a\.yaml:7:5: error MLT1004 .*found "80", wanted a whole number/,
      ],
      ["port out of range", service("a", 70000), /a\.yaml:7:5: error MLT1005 .*70000/],
      ["no object", "- a\n- b\n", /a\.yaml:1:1: error MLT1002/],
      ["no kind", "apiVersion: v1\n", /a\.yaml:1:1: error MLT1002: the object has no kind|kind/],
      [
        "item of a list",
        `kind: List\nitems:\n- kind: Sevice\n  apiVersion: v1\n`,
        /a\.yaml:3:3: error MLT1002.*"Service"/,
      ],
    ];
    for (const [name, content, expected] of cases) {
      const { objects, problems } = await loadFiles([
        await folder({ "a.yaml": content, "b.yaml": service("b") }),
      ]);
      assert.match(problems.map(formatProblem).join("\n"), expected, name);
      assert.deepEqual(
        objects.map(({ key }) => key),
        ["Service/default/b"],
        `${name}: the other file's object`,
      );
    }
  });

  test("loadFiles() keeps the first of two equal objects, and names both places", async () => {
    const path = await folder({ "a.yaml": service("a", 1), "b.yaml": `---\n${service("a", 2)}` });
    const { objects, problems } = await loadFiles([path]);
    assert.equal(objects.length, 1);
    assert.match(
      problems.map(formatProblem).join("\n"),
      /b\.yaml:2:1: error MLT1007 Service default\/a: this object stands at .*a\.yaml:1:1 already/,
    );
  });

  test("loadFiles() passes over JSON files that aren't manifests", async () => {
    const { problems } = await loadFiles([
      await folder({ "package.json": '{"name": "web"}', "a.yaml": service("a") }),
    ]);
    assert.deepEqual(
      problems.map(({ code, severity }) => [code, severity]),
      [["MLT1010", "info"]],
    );
  });

  test("loadFiles() survives paths that can't be read", async () => {
    const path = await folder({ "a.yaml": service("a"), "d/b.yaml": service("b") });
    await symlink(path, join(path, "d", "loop"));
    await symlink(join(path, "nowhere"), join(path, "dangling.yaml"));
    if (process.getuid?.() !== 0) await chmod(join(path, "d", "b.yaml"), 0);
    const { objects, problems } = await loadFiles([path, join(path, "missing.yaml")]);
    assert.ok(objects.some(({ key }) => key === "Service/default/a"));
    assert.match(problems.map(formatProblem).join("\n"), /missing\.yaml:1:1: error MLT1008: .*no such file/);
  });

  test("loadFiles() throws for no bytes", () => {
    const fragment = fc.constantFrom(
      "a",
      ":",
      " ",
      "\n",
      "- ",
      "{",
      "}",
      "[",
      "]",
      "*a",
      "&a ",
      "<<: ",
      "'",
      '"',
      "\t",
      "|\n",
      "kind: List\n",
      "items:\n",
      "apiVersion: v1\n",
      "kind: Pod\n",
      "metadata:\n",
      "  name: a\n",
      "---\n",
      "%",
      "!!map ",
      "\0",
    );
    const text = fc.oneof(
      fc.array(fragment, { maxLength: 40 }).map((parts) => Buffer.from(parts.join(""))),
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    );
    let problemCount = 0;
    fc.assert(
      fc.property(text, (bytes) => {
        problemCount += parseManifest("a.yaml", bytes.toString("utf8")).problems.length;
      }),
      { numRuns: 2000 },
    );
    assert.ok(problemCount > 1000, `only ${problemCount} problems were seen`);
  });

  test("a ConfigMap of the system namespace holds the MeshConfig, with places in the inner text", async () => {
    const text = `apiVersion: v1
kind: ConfigMap
metadata:
  name: istio
  namespace: istio-system
data:
  mesh: |-
    accessLogFile: /dev/stdout
    defaultConfig:
      concurrency: 2
`;
    const { objects, problems } = await loadFiles([await folder({ "a.yaml": text })]);
    assert.deepEqual(problems, []);
    const mesh = objects.find(({ key }) => key === "MeshConfig//mesh");
    assert.ok(mesh !== undefined);
    assert.deepEqual(mesh.object.spec, { accessLogFile: "/dev/stdout", defaultConfig: { concurrency: 2 } });
    assert.equal(locate(mesh.positions, "spec.defaultConfig.concurrency").line, 10);
    const broken = await loadFiles([await folder({ "a.yaml": text.replace("concurrency", "concurency") })]);
    assert.match(
      broken.problems.map(formatProblem).join(),
      /a\.yaml:10:7: error MLT1003 MeshConfig mesh .*"concurrency"/,
    );
    const elsewhere = await loadFiles([await folder({ "a.yaml": text.replace("istio-system", "shop") })]);
    assert.match(elsewhere.problems.map(formatProblem).join(), /a\.yaml:7:3: warning MLT1011/);
  });

  test("loadMeshConfig() reads bare text and a ConfigMap, as leniently as Istio", async () => {
    const path = await folder({
      "a.yaml": 'accessLogFile: ""\npath_normalization: {normalization: 2}\nproxyListenPort: "15001"\n',
    });
    const { meshConfig, problems } = await loadMeshConfig(join(path, "a.yaml"));
    assert.deepEqual(problems, []);
    assert.deepEqual(meshConfig?.object.spec, {
      accessLogFile: "",
      pathNormalization: { normalization: "BASE" },
      proxyListenPort: 15001,
    });
    const missing = await loadMeshConfig(join(path, "b.yaml"));
    assert.equal(missing.problems[0]?.code, "MLT1008");
  });

  function aliasBomb() {
    const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"];
    for (let level = 1; level < 9; level++) {
      lines.push(`a${level}: &a${level} [${new Array(9).fill(`*a${level - 1}`).join(", ")}]`);
    }
    return lines.join("\n");
  }
});
