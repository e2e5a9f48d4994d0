import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseTemplate, renderTemplate, templateFunctions } from "../../src/inject/template/template.ts";

// A template of any kind, by whoever may write a ConfigMap, costs the control plane no more than this.
const MAX_CPU_MS = 1_500;
const MAX_HEAP_GROWTH = 192 * 1024 * 1024;

const LONG = 1024 * 1024;

/** Each level names the one below three times: some hundred bytes that are 3^40 values when they are gone through. */
function shared(join: (inner: unknown) => unknown): unknown {
  let value: unknown = "x";
  for (let level = 0; level < 40; level += 1) value = join(value);
  return value;
}

let deep: unknown = 1;
for (let level = 0; level < 50_000; level += 1) deep = [deep];

/** What a template can make, or a pod's author write. */
const hostile: Readonly<Record<string, unknown>> = {
  text: "a".repeat(LONG),
  needle: `${"a".repeat(LONG / 4)}b`,
  lines: "\n".repeat(LONG),
  controls: "\u0001".repeat(LONG / 2),
  nested: "[".repeat(LONG / 4),
  template: "{{.}}".repeat(LONG / 8),
  format: "%999d".repeat(LONG / 8),
  empty: "",
  count: 999,
  list: Array.from({ length: 200_000 }, (_, index) => index),
  map: Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`k${index}`, index])),
  sharedLists: shared((inner) => [inner, inner, inner]),
  sharedMaps: shared((inner) => ({ a: inner, b: inner, c: inner })),
  deep,
};

function costOf(text: string) {
  const parsed = parseTemplate(text);
  if ("fault" in parsed) throw new Error(`${text}: ${parsed.fault}`);
  const heapBefore = process.memoryUsage().heapUsed;
  const cpuBefore = process.cpuUsage();
  const result = renderTemplate(parsed.value, { root: hostile });
  const { user, system } = process.cpuUsage(cpuBefore);
  return { result, cpuMs: (user + system) / 1_000, heapGrowth: process.memoryUsage().heapUsed - heapBefore };
}

function assertBounded(text: string) {
  const { cpuMs, heapGrowth, result } = costOf(text);
  assert.ok(cpuMs < MAX_CPU_MS, `${text}: ${cpuMs} ms of CPU`);
  assert.ok(heapGrowth < MAX_HEAP_GROWTH, `${text}: ${heapGrowth} bytes`);
  return result;
}

/** Each calls the next one twenty times. */
function chainOfTemplates(length: number): string {
  const definitions = Array.from({ length }, (_, at) => {
    const call = at === length - 1 ? "" : `{{ template "t${at + 1}" }}`;
    return `{{ define "t${at}" }}${call.repeat(20)}{{ end }}`;
  });
  return definitions.join("");
}

const growing = "{{ $x := `x` }}{{ range 40 }}{{ $x = list $x $x $x }}{{ end }}";
const growingMaps = "{{ $x := `x` }}{{ range 40 }}{{ $x = dict `a` $x `b` $x `c` $x }}{{ end }}";
const excessive: Readonly<Record<string, string>> = {
  "a shared list as JSON": `${growing}{{ toJson $x }}`,
  "a shared list as text": `${growing}{{ $x }}`,
  "nested dicts as YAML": `${growingMaps}{{ toYaml $x }}`,
  "the product of a join": "{{ join .text .list }}",
  "the product of a replacement": "{{ replace `a` .text .text }}",
  "indentation of many lines": "{{ indent 999 .lines }}",
  "a search for a long text": "{{ range 1000 }}{{ $x := contains $.needle $.text }}{{ end }}",
  "widths of printf": `{{ printf "${"%999s".repeat(2_000)}"${" 1".repeat(2_000)} }}`,
  "a list in a list in a list": "{{ $x := 1 }}{{ range 9000 }}{{ $x = list $x }}{{ end }}{{ toJson $x }}",
  "templates that call others, without a step": `${chainOfTemplates(14)}{{ template "t0" }}`,
  "loops over much that end at once": "{{ range 9000 }}{{ range $.list }}{{ break }}{{ end }}{{ end }}",
};

for (const [name, text] of Object.entries(excessive)) {
  test(`renderTemplate() refuses ${name}, soon`, () => {
    assert.ok("fault" in assertBounded(text));
  });
}

test("every function, whatever it is given and however often, costs bounded time and memory", () => {
  const operands = [...Object.keys(hostile).map((name) => `$.${name}`), "`,`", "2", "$x"];
  let callCount = 0;
  for (const [name, { least, most }] of Object.entries(templateFunctions)) {
    const argumentCounts = fc.integer({ min: least, max: Math.min(most, least + 3) });
    const calls = argumentCounts.chain((length) =>
      fc.array(fc.constantFrom(...operands), { minLength: length, maxLength: length }),
    );
    for (const args of fc.sample(calls, { numRuns: 3, seed: name.length })) {
      assertBounded(`{{ $x := .text }}{{ range 9000 }}{{ $x = ${[name, ...args].join(" ")} }}{{ end }}`);
      callCount += 1;
    }
  }
  assert.ok(callCount > 150);
});
