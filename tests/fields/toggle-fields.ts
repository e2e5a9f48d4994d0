// Sets a claimed field to other values, and a field without effect too, and holds what follows against what is said of it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { TSchema } from "typebox";
import { kindByName } from "../../src/kinds/all-kinds.ts";
import type { KubernetesObject } from "../../src/kinds/define-kind.ts";
import { isError, parseObject, unimplemented } from "../../src/kinds/parse-object.ts";
import { canonicalField } from "../../src/kinds/same-fields.ts";
import { nodeOf, type SchemaNode } from "../../src/kinds/schema-node.ts";
import { type UnimplementedField, unimplementedFields } from "../../src/kinds/unimplemented-fields.ts";
import { leavesOf } from "../../tools/walk-schema.ts";
import { objectsOf } from "../support/mesh-fixture.ts";
import type { FieldSetting, KindSettings, NamedTest } from "./field-settings.ts";
import { sampleValues, schemaAt, withField, withoutPart } from "./field-values.ts";

/** What follows from objects where their fields act, by name: what proxies are sent, what a pod becomes. */
export type Outcome = ReadonlyMap<string, string>;

/** Where fields act. */
export interface Stage {
  /** What follows while these objects stand in the place of those of the same names, or beside them. */
  outcomeOf(objects: readonly KubernetesObject[]): Outcome | Promise<Outcome>;
  close(): void;
}

/** Of what `Outcome` says that a proxy's stream was ended. */
export const ENDED = "stream ended: ";

export function kindOfField(field: string): string {
  return field.slice(0, field.indexOf("."));
}

export async function assertEffect(field: string, kind: KindSettings, stage: Stage): Promise<void> {
  const { leaf, setting, variants, beside } = variantsOf(field, kind);
  if (setting.provenBy !== undefined) {
    assertTested(setting.provenBy);
    return;
  }
  if (setting.refused !== undefined) {
    assertRefused(variants);
    return;
  }
  const outcomes = new Map<unknown, Outcome>();
  for (const [value, object] of variants)
    outcomes.set(value, await stage.outcomeOf([...beside, parsed(object)]));
  for (const value of leaf.enum ?? []) assert.ok(outcomes.has(value), `${value} isn't tried`);
  const entries = [...outcomes];
  const ended = entries.some(([, outcome]) => [...outcome.keys()].some((key) => key.startsWith(ENDED)));
  assert.equal(ended, setting.endsStreams ?? false, "whether a stream is ended");
  assert.ok(entries.length > 1, "one value alone changes nothing");
  for (const [at, [value, outcome]] of entries.entries())
    for (const [other, otherOutcome] of entries.slice(at + 1)) {
      const isSame = setting.same?.some((group) => group.includes(value) && group.includes(other)) ?? false;
      const differs = differences(outcome, otherOutcome);
      const what = `${canonicalField(field)}: ${JSON.stringify(value)} and ${JSON.stringify(other)}`;
      if (isSame) assert.deepEqual(differs, [], `${what} mean the same`);
      else assert.notDeepEqual(differs, [], `${what} change nothing`);
    }
}

/** Fields that have an effect but for a value. */
export function withoutEffectByValue(kind: string): readonly UnimplementedField[] {
  return listedOf(kind).filter(
    ({ pattern, onlyValue }) => onlyValue !== undefined && pattern.startsWith("spec."),
  );
}

export function assertValueWarned({ pattern, onlyValue }: UnimplementedField, kind: KindSettings): void {
  const place = { path: pattern, value: onlyValue, schema: schemaOf(kind.kind) };
  assert.equal(warningCount(withField(objectOf(kind, kind.spec), place)), 1);
}

function assertTested({ file, test }: NamedTest): void {
  const source = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
  assert.ok(source.includes(`test("${test}"`), `${file} has no test "${test}"`);
}

function assertRefused(variants: readonly (readonly [value: unknown, object: unknown])[]): void {
  assert.notDeepEqual(variants, []);
  for (const [value, object] of variants)
    assert.ok(parseObject(object).findings.some(isError), `${JSON.stringify(value)} is taken`);
}

export async function assertWarned(field: string, kind: KindSettings, stage: Stage): Promise<void> {
  const { path, variants, base, beside } = variantsOf(field, kind);
  const part = listedPart(kind.kind, path) ?? path;
  const without = withoutPart(base, part);
  const before = await stage.outcomeOf([...beside, parsed(without)]);
  assert.notDeepEqual(variants, []);
  for (const [value, object] of variants) {
    assert.ok(warningCount(object) > warningCount(without), `${JSON.stringify(value)} isn't warned of`);
    assert.deepEqual(differences(before, await stage.outcomeOf([...beside, parsed(object)])), []);
  }
}

/** Objects that differ in one field, by its value. */
function variantsOf(field: string, settings: KindSettings) {
  const path = field.slice(field.indexOf(".") + 1);
  const schema = schemaOf(settings.kind);
  const leaf = schemaAt(schema, path);
  const setting: FieldSetting = settings.settings.find(({ fields }) => fields.test(field)) ?? { fields: /./ };
  const base = objectOf(settings, setting.spec ?? settings.spec);
  const harmless = listedOf(settings.kind).find(
    ({ pattern }) => pattern.replace(/\[\]$/, "") === path,
  )?.harmlessValue;
  const values = (setting.refused ?? setting.values ?? sampleValues(leaf)).filter(
    (value) => harmless === undefined || ![value].flat().includes(harmless),
  );
  const variants =
    setting.specs?.map(([value, spec]) => [value, objectOf(settings, spec)] as const) ??
    values.map((value) => [value, withField(base, { path, value, schema })] as const);
  return { path, leaf, setting, base, variants, beside: objectsOf(setting.beside ?? "") };
}

function objectOf({ kind, apiVersion, metadata, isFlat }: KindSettings, spec: unknown): unknown {
  return { apiVersion, kind, metadata, ...(isFlat === true ? (spec as object) : { spec }) };
}

function warningCount(object: unknown): number {
  return unimplemented(object as KubernetesObject).length;
}

function listedOf(kind: string): readonly UnimplementedField[] {
  return unimplementedFields.filter((each) => each.kind === kind);
}

/** Leaves of what is listed as without effect, other than by its value. */
export function withoutEffect(kind: string): readonly string[] {
  return leavesOf(schemaOf(kind) as unknown as TSchema)
    .filter((leaf) => listedPart(kind, leaf) !== undefined)
    .filter((leaf) => kind === "MeshConfig" || canonicalField(`${kind}.${leaf}`) === `${kind}.${leaf}`)
    .map((leaf) => `${kind}.${leaf}`);
}

/** What is listed: the leaf, or a part that it is in. */
function listedPart(kind: string, leaf: string): string | undefined {
  return listedOf(kind)
    .filter(({ onlyValue }) => onlyValue === undefined)
    .map(({ pattern }) => pattern.replace(/\[\]$/, ""))
    .find((part) => leaf === part || leaf.startsWith(`${part}.`) || leaf.startsWith(`${part}[`));
}

function schemaOf(kind: string): SchemaNode {
  const found = kindByName.get(kind);
  assert.ok(found !== undefined);
  return nodeOf(found.schema);
}

function parsed(value: unknown): KubernetesObject {
  const { kind } = value as KubernetesObject;
  if (kind === "MeshConfig") return value as KubernetesObject;
  const { object, findings } = parseObject(value);
  assert.deepEqual(findings.filter(isError), []);
  assert.ok(object !== undefined);
  return object;
}

function differences(one: Outcome, other: Outcome): readonly string[] {
  return [...new Set([...one.keys(), ...other.keys()])].filter((key) => one.get(key) !== other.get(key));
}
