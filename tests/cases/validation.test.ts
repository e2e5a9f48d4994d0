// Runs Istio's cases of what is valid: documents, a valid resource of each kind, and calls of validators. Each has to come out as
// in Istio, accepted or not and with a warning or not; the texts are our own.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import type { Problem } from "../../src/core/problem.ts";
import type { Finding } from "../../src/kinds/define-kind.ts";
import { isError, parseObject } from "../../src/kinds/parse-object.ts";
import { parseManifest } from "../../src/sources/files/manifest.ts";
import { parseMeshConfig } from "../../src/sources/files/mesh-config-text.ts";
import { caseDirectory, skipWithout } from "./case-directory.ts";
import { deviationsOf } from "./deviations.ts";
import { type ValidatorCall, writeCall } from "./validation-call.ts";

const directory = caseDirectory("validation");
const deviations = deviationsOf("validation");

/**
 * Kinds without effect yet: how many of their cases still differ. Whoever gives a kind its effect takes it out of here; until
 * then the number may only fall.
 */
const differencesOfKindsWithoutEffect: ReadonlyMap<string, number> = new Map([
  ["EnvoyFilter", 9],
  ["ProxyConfig", 0],
  ["Sidecar", 18],
  ["Telemetry", 1],
  ["TrafficExtension", 2],
  ["WasmPlugin", 0],
]);

if (directory === undefined) {
  test("validation cases", { skip: skipWithout(directory) }, () => undefined);
} else {
  const cases = [...documents(directory), ...definitions(directory), ...validatorCalls(directory)];
  test("validation cases are there", () => assert.ok(cases.length > 600, `found ${cases.length}`));
  for (const [kind, limit] of differencesOfKindsWithoutEffect)
    test(`validation cases of ${kind}`, () => judgeKindWithoutEffect(kind, limit, cases));
  for (const each of cases.filter(({ kind }) => !differencesOfKindsWithoutEffect.has(kind)))
    test(`validation case ${each.name}`, () => judge(each));
}

interface Case {
  readonly name: string;
  readonly kind: string;
  readonly findings: () => readonly Finding[];
  readonly valid: boolean;
  /** Whether an accepted object comes with a warning; undefined where the case doesn't say. */
  readonly isWarned?: boolean;
}

function documents(folder: string): Case[] {
  return readdirSync(`${folder}/dataset`).map((name) => ({
    name: `dataset ${name}`,
    // GROUP-VERSION-KIND.yaml
    kind: name.replace(/^.*-|\.yaml$/g, ""),
    findings: () => {
      const { entries, problems } = parseManifest(name, readFileSync(`${folder}/dataset/${name}`, "utf8"));
      assert.ok(entries.length > 0, `no object in ${name}`);
      return problems.map(findingOf);
    },
    valid: true,
  }));
}

interface DefinitionCase {
  readonly name: string;
  readonly object: { readonly kind: string };
  /** For the API server, by Istio's definitions; tests/kubernetes holds ours to it. */
  readonly valid: boolean;
  /** For Istio's webhook, where it was asked. */
  readonly webhookValid?: boolean;
}

function definitions(folder: string): Case[] {
  return readdirSync(`${folder}/crds`).map((file) => {
    const { name, object, valid, webhookValid } = read<DefinitionCase>(`${folder}/crds/${file}`);
    const findings = () => parseObject(object).findings;
    return { name, kind: object.kind, findings, valid: valid && webhookValid !== false };
  });
}

function validatorCalls(folder: string): Case[] {
  const calls = readdirSync(`${folder}/tables`).flatMap((file) =>
    read<ValidatorCall[]>(`${folder}/tables/${file}`),
  );
  return calls.flatMap((call): Case[] => {
    const written = writeCall(call);
    if (written.kind === "unwritable") return [];
    const common = { name: call.name, valid: call.valid, isWarned: call.warning !== undefined };
    if (written.kind === "mesh-config") {
      const text = JSON.stringify(written.spec);
      const findings = () => parseMeshConfig("mesh.yaml", text).problems.map(findingOf);
      return [{ ...common, kind: "MeshConfig", findings }];
    }
    const { object } = written;
    return [{ ...common, kind: String(object.kind), findings: () => parseObject(object).findings }];
  });
}

function judge(each: Case): void {
  const found = differenceOf(each);
  const reason = deviations.get(each.name);
  if (reason === undefined) assert.equal(found, undefined);
  else assert.ok(found !== undefined, `it agrees again, so it is no deviation: ${reason}`);
}

function judgeKindWithoutEffect(kind: string, limit: number, cases: readonly Case[]): void {
  const ofKind = cases.filter((each) => each.kind === kind);
  assert.ok(ofKind.length > 0, `no case of ${kind}`);
  const found = ofKind.flatMap((each) => {
    const difference = differenceOf(each);
    return difference === undefined ? [] : [`${each.name}: ${difference}`];
  });
  assert.equal(found.length, limit, found.join("\n"));
}

/** Undefined where ours comes out as Istio's. That a field has no effect yet is no judgement of its value. */
function differenceOf({ findings, valid, isWarned }: Case): string | undefined {
  const found = findings().filter(({ code }) => code !== "MLT1009");
  const errors = found.filter(isError);
  const warnings = found.filter((finding) => !isError(finding));
  if (valid !== (errors.length === 0))
    return valid ? `it is refused: ${textOf(errors)}` : "it is accepted, wanted an error";
  if (!valid || isWarned === undefined || isWarned === warnings.length > 0) return undefined;
  return isWarned ? "it comes without a warning" : `it is warned of: ${textOf(warnings)}`;
}

function findingOf({ path = "", ...found }: Problem): Finding {
  return { ...found, path };
}

function textOf(findings: readonly Finding[]): string {
  return findings.map(({ path, message }) => `${path}: ${message}`).join("; ");
}

function read<T>(path: string): T {
  return JSON.parse(readFileSync(path, "utf8")) as T;
}
