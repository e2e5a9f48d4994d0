// Reading a file again costs what changed, and says what reading it from scratch says.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import type { Positions } from "../../core/positions.ts";
import { locate } from "../../core/positions.ts";
import type { Problem } from "../../core/problem.ts";
import type { Manifest } from "./manifest.ts";
import { parseManifest } from "./manifest.ts";
import { splitDocuments } from "./split-documents.ts";
import { parseYaml } from "./yaml-documents.ts";

const FILE = "a.yaml";

function service(name: string) {
  return `apiVersion: v1\nkind: Service\nmetadata:\n  name: ${name}\nspec:\n  ports:\n  - port: 80\n`;
}

function reusedPartsOf(before: Manifest, { parts }: Manifest) {
  const known = new Set(before.parts.map(({ content }) => content));
  return parts.filter(({ content }) => known.has(content)).length;
}

test("parseManifest() reads only the documents whose text changed, wherever they moved to", () => {
  const documents = Array.from({ length: 50 }, (_, index) => service(`s${index}`));
  const before = parseManifest(FILE, documents.join("---\n"));
  const changed = documents.with(20, service("s20").replace("80", "81"));
  const after = parseManifest(FILE, `# A line more\n${changed.join("---\n")}`, before);
  // One has the other port; the first has a comment above it, which says nothing.
  assert.equal(reusedPartsOf(before, after), 49);
  const last = after.entries.at(-1);
  assert.ok(last?.object !== undefined);
  assert.equal(last.object, before.entries.at(-1)?.object);
  assert.deepEqual(locate(last.positions, "spec.ports[0].port"), {
    file: FILE,
    line: 1 + 49 * 8 + 7,
    column: 5,
  });
});

test("parseManifest() moves the problems of documents that it doesn't read again", () => {
  const text = `${service("a")}---\n${service("b")}spc: 1\n---\n${service("c")} x: {\n`;
  const linesOf = ({ problems }: Manifest) => problems.map(({ location }) => location?.line);
  const broken = parseManifest(FILE, text);
  const movedDown = parseManifest(FILE, `#\n#\n${text}`, broken);
  assert.ok(linesOf(broken).length > 0);
  assert.deepEqual(
    linesOf(movedDown),
    linesOf(broken).map((line) => (line ?? 0) + 2),
  );
  const mended = parseManifest(FILE, `#\n${text.replace(" x: {\n", "")}`, movedDown);
  assert.deepEqual(mended.problems[0]?.location, { file: FILE, line: 17, column: 1 });
});

test("parseManifest() keeps no earlier text of the file in memory", () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  const padding = `# ${"x".repeat(2 ** 20)}\n`;
  const documents = Array.from({ length: 40 }, (_, index) => service(`s${index}`));
  let manifest = parseManifest(FILE, padding + documents.join("---\n"));
  const heapBytes = () => {
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const bytesBefore = heapBytes();
  for (const index of documents.keys()) {
    documents[index] = service(`a-service-with-a-long-name-${index}`);
    manifest = parseManifest(FILE, padding + documents.join("---\n"), manifest);
  }
  const grownBytes = heapBytes() - bytesBefore;
  assert.equal(manifest.entries.length, 40);
  assert.ok(grownBytes < 10 * 2 ** 20, `${grownBytes} bytes more`);
});

const lines = fc.constantFrom(
  "---",
  "--- ",
  "---\t# comment",
  "--- a: 1",
  "--- |",
  "--- >-",
  '--- "open',
  "----",
  " ---",
  "...",
  "# comment",
  "%YAML 1.2",
  "%TAG ! tag:a,2000:",
  "",
  "  ",
  "\t",
  "apiVersion: v1",
  "kind: Namespace",
  "kind: List",
  "metadata: {name: a}",
  "metadata:",
  "  name: b",
  "  labels: &l {a: b}",
  "  annotations: *l",
  "items:",
  "- apiVersion: v1",
  "  kind: Namespace",
  "text: |",
  "text: |+",
  "  two words",
  'text: "',
  "text: '",
  "text: [",
  "]",
  "{",
  "}",
  '"',
  "'",
  "- 1",
  "plain words",
  "a: 1",
  "a: 2",
  "? complex",
  ": value",
  "\u2028---",
  "\r---",
  "\uFEFF---",
  "\u0000",
);
const wholeDocuments = fc
  .constantFrom("a", "b", "c", "d")
  .map((name) => `---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: ${name}\n  labels: {a: "1"}`);
const blocks = fc.oneof({ weight: 2, arbitrary: lines }, { weight: 3, arbitrary: wholeDocuments });
const lineEnds = fc.constantFrom("\n", "\n", "\n", "\r\n");

interface Edit {
  readonly at: number;
  readonly removed: number;
  readonly added: readonly string[];
}

const edits: fc.Arbitrary<Edit> = fc.record({
  at: fc.nat(20),
  removed: fc.nat(2),
  added: fc.array(blocks, { maxLength: 2 }),
});

test("parseManifest() says the same from scratch and after any edits, and reads documents as the whole text has them", () => {
  const counts = { reused: 0, unmoved: 0, entries: 0, broken: 0, parts: 0 };
  fc.assert(
    fc.property(
      fc.array(blocks, { maxLength: 12 }),
      fc.array(edits, { minLength: 1, maxLength: 4 }),
      lineEnds,
      (start, changes, lineEnd) => {
        let now = start;
        let before = parseManifest(FILE, now.join(lineEnd));
        for (const { at, removed, added } of changes) {
          now = now.toSpliced(at % (now.length + 1), removed, ...added);
          const text = now.join(lineEnd);
          const after = parseManifest(FILE, text, before);
          assert.deepEqual(after, parseManifest(FILE, text));
          assertSameAsWhole(text);
          counts.reused += reusedPartsOf(before, after);
          counts.unmoved += after.parts.filter((part) => before.parts.includes(part)).length;
          counts.entries += after.entries.length;
          counts.broken += after.isComplete ? 0 : 1;
          counts.parts += after.parts.length;
          before = after;
        }
      },
    ),
    { numRuns: 100 },
  );
  assert.ok(
    Object.values(counts).every((count) => count > 50),
    JSON.stringify(counts),
  );
});

test("a byte order mark within a text is a character as others are, also behind what says nothing", () => {
  for (const text of ["---\n\uFEFF---", "# a\n\uFEFF---\na: 1\n", "\uFEFF---\na: 1\n---\nb: 2\n"])
    assertSameAsWhole(text);
});

/** What the parts say together, each at its place, is what the parser makes of the text as one. */
function assertSameAsWhole(text: string) {
  const whole = parseYaml(FILE, text);
  let [length, lineCount] = [0, 0];
  const parts = splitDocuments(text).map((part) => {
    const firstLine = 1 + lineCount + part.leadLineCount;
    assert.equal(text.slice(length + part.leadLength, length + part.length), part.content);
    length += part.length;
    lineCount += part.lineEndCount;
    return { firstLine, ...parseYaml(FILE, part.content) };
  });
  assert.equal(length, text.length);
  const problems = parts.flatMap((part) =>
    part.problems.map(({ location, ...rest }) => ({
      ...rest,
      location: {
        file: FILE,
        line: (location?.line ?? 0) + part.firstLine - 1,
        column: location?.column ?? 0,
      },
    })),
  );
  const hasErrors = (found: readonly Problem[]) => found.some(({ severity }) => severity === "error");
  // What is after such a line the whole reads in its own way.
  if (whole.problems.some((found) => isOfBlankLine(text, found))) return;
  assert.equal(hasErrors(problems), hasErrors(whole.problems));
  // With an error nothing of the text is taken, and the whole names faults that end with the document elsewhere, or not.
  if (hasErrors(problems)) return;
  assert.deepEqual(problems, whole.problems);
  assert.deepEqual(
    parts.flatMap(({ documents, firstLine }) =>
      documents.map(({ value, root }) => ({ value, places: placesOf({ file: FILE, firstLine, root }) })),
    ),
    whole.documents.map(({ value, root }) => ({ value, places: placesOf({ file: FILE, root }) })),
  );
}

/**
 * The library takes tabs on a line of their own for indentation where a key without a value stands before it and another
 * document follows, and for nothing where none does. YAML has such a line blank (YAML 1.2.2, 6.4), as a part has.
 */
function isOfBlankLine(text: string, { location, message }: Problem): boolean {
  const line = text.split("\n")[(location?.line ?? 0) - 1] ?? "";
  return message.includes("Tabs are not allowed as indentation") && line.trim() === "";
}

test("a line of tabs behind a key without a value is blank, whether or not another document follows", () => {
  for (const text of ["labels:\n\t\n", "labels:\n\t\n---\nb: 1\n"]) {
    assert.deepEqual(
      splitDocuments(text).flatMap(({ content }) => parseYaml(FILE, content).problems),
      [],
    );
  }
});

function placesOf(positions: Positions) {
  const paths = ["", "metadata", "metadata.name", "items[0]", "items[0].kind", "text", "a", "[0]"];
  return paths.map((path) => locate(positions, path));
}
