import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { canonicalField, placesOf } from "../src/kinds/same-fields.ts";
import { list, map, message, text } from "../src/kinds/schema.ts";
import { checkFields } from "./check-fields.ts";
import { claimRegistry } from "./claim-registry.ts";
import { unmentionedClaims } from "./field-claims.ts";
import { formatFields } from "./format-fields.ts";
import { leavesOf } from "./walk-schema.ts";

const root = join(import.meta.dirname, "..");
const leaves = [
  "Gateway.spec.name",
  "Gateway.spec.tls.mode",
  "Gateway.spec.tls.keys[].file",
  "Gateway.spec.labels.*",
];

function check({ claims = [] as string[], warned = [] as string[], ignored = [] as string[] }) {
  return checkFields(leaves, {
    claims: claims.map((field) => ({ field, file: "src/a.ts" })),
    warned: warned.map((field) => ({ field, reason: "later" })),
    ignored: ignored.map((field) => ({ field, reason: "moot" })),
  });
}

describe("checkFields()", () => {
  it("is content when each field is claimed or excused", () => {
    const { fates, findings } = check({
      claims: ["Gateway.spec.name", "Gateway.spec.tls.keys[].file"],
      warned: ["Gateway.spec.tls.mode"],
      ignored: ["Gateway.spec.labels"],
    });
    assert.deepEqual(findings, []);
    assert.deepEqual(
      [...fates.values()].map((fate) => fate.is),
      ["implemented", "warned", "implemented", "ignored"],
    );
  });

  it("finds a field that is dropped in silence", () => {
    const { findings } = check({
      claims: ["Gateway.spec.name", "Gateway.spec.tls.mode", "Gateway.spec.tls.keys[].file"],
    });
    assert.deepEqual(findings, [
      "Gateway.spec.labels.*: no feature claims it, and no list says why it has no effect",
    ]);
  });

  it("takes a claim for one leaf alone, whatever is below a part", () => {
    const { findings } = check({
      claims: ["Gateway.spec.tls", "Gateway.spec.tls.*"],
      warned: ["Gateway.spec.name", "Gateway.spec.labels"],
    });
    assert.match(
      findings.join("\n"),
      /Gateway\.spec\.tls\.mode: no feature[\s\S]*Gateway\.spec\.tls is claimed .* no kind has/,
    );
  });

  it("finds a claim that outlived its excuse, and one of a field that doesn't exist", () => {
    const { findings } = check({
      claims: ["Gateway.spec.name", "Gateway.spec.tls.mode", "Gateway.spec.labels.*", "Gateway.spec.nmae"],
      warned: ["Gateway.spec.tls"],
    });
    assert.deepEqual(findings, [
      "Gateway.spec.tls.mode is claimed in src/a.ts, and also listed as unimplemented",
      "Gateway.spec.nmae is claimed in src/a.ts, but no kind has such a field",
    ]);
  });
});

describe("leavesOf()", () => {
  it("goes into parts, lists of parts and maps", () => {
    const part = message({ file: text() });
    const schema = message({ hosts: list(text()), keys: list(part), parts: map(part), labels: map(text()) });
    assert.deepEqual(leavesOf(schema, "spec"), [
      "spec.hosts",
      "spec.keys[].file",
      "spec.parts.*.file",
      "spec.labels.*",
    ]);
  });
});

describe("canonicalField()", () => {
  it("gives a port's policy in a subset the name of a policy", () => {
    const field = "DestinationRule.spec.subsets[].trafficPolicy.portLevelSettings[].tls.mode";
    assert.equal(canonicalField(field), "DestinationRule.spec.trafficPolicy.tls.mode");
    assert.equal(placesOf("DestinationRule.spec.trafficPolicy.tls.mode").length, 4);
    assert.ok(placesOf("DestinationRule.spec.trafficPolicy.tls.mode").includes(field));
  });

  it("leaves a field alone whose name only begins like another's", () => {
    assert.equal(
      canonicalField("Deployment.spec.template.specification"),
      "Deployment.spec.template.specification",
    );
  });
});

describe("claimRegistry", () => {
  it("has builders' claims and those of the local runtime", () => {
    for (const wanted of ["VirtualService.spec.http[].retries.attempts", "Pod.spec.hostname"])
      assert.ok(
        claimRegistry.some(({ field }) => field === wanted),
        wanted,
      );
  });
});

describe("unmentionedClaims()", () => {
  it("finds claims for a file that doesn't mention the field, and for one that doesn't exist", () => {
    const found = unmentionedClaims(root, {
      "src/core/clock.ts": ["Pod.spec.after", "Pod.spec.before[].*"],
      "src/core/absent.ts": ["Pod.spec.after"],
    });
    assert.deepEqual(found, [
      'Pod.spec.before[].* is claimed for src/core/clock.ts, which doesn\'t mention "before"',
      "src/core/absent.ts has claims, but doesn't exist",
    ]);
  });
});

describe("formatFields()", () => {
  it("makes one row of a part whose fields share their fate", () => {
    const { fates } = check({
      claims: ["Gateway.spec.name", "Gateway.spec.labels.*"],
      warned: ["Gateway.spec.tls"],
    });
    const rows = formatFields(fates)
      .split("\n")
      .filter((line) => line.startsWith("| `"));
    assert.deepEqual(rows, [
      "| `spec.name` | yes |  |",
      "| `spec.tls.*` | not yet | later |",
      "| `spec.labels.*` | yes |  |",
    ]);
  });
});
