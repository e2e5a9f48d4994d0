// Proves claims: each field that is said to have an effect on proxies is set to other values, and what some proxy is
// sent changes; each value of an enum gives bytes of its own, unless it means the same as another. A field that is listed
// as without effect changes nothing, and who sets it is warned.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import type { TSchema } from "typebox";
import { kindByName } from "../../src/kinds/all-kinds.ts";
import type { KubernetesObject } from "../../src/kinds/define-kind.ts";
import { isError, parseObject, unimplemented } from "../../src/kinds/parse-object.ts";
import { canonicalField } from "../../src/kinds/same-fields.ts";
import { unimplementedFields } from "../../src/kinds/unimplemented-fields.ts";
import { claimsOfCode } from "../../tools/claim-registry.ts";
import { leavesOf } from "../../tools/walk-schema.ts";
import { objectsOf } from "../support/mesh-fixture.ts";
import { destinationRuleSettings } from "./destination-rule-settings.ts";
import type { FieldSetting, KindSettings } from "./field-settings.ts";
import { type FieldSchema, sampleValues, schemaAt, withField } from "./field-values.ts";
import { gatewaySettings, serviceEntrySettings } from "./gateway-settings.ts";
import { meshConfigSettings, peerAuthenticationSettings } from "./mesh-config-settings.ts";
import { type MeshScene, meshScene, type SentBytes } from "./mesh-scene.ts";
import { authorizationPolicySettings, requestAuthenticationSettings } from "./policy-settings.ts";
import { virtualServiceSettings } from "./virtual-service-settings.ts";

const kinds = [
  virtualServiceSettings,
  destinationRuleSettings,
  gatewaySettings,
  serviceEntrySettings,
  peerAuthenticationSettings,
  authorizationPolicySettings,
  requestAuthenticationSettings,
  meshConfigSettings,
];
const claimed = new Set(Object.values(claimsOfCode).flat().map(String));

for (const kind of kinds) {
  describe(kind.kind, () => {
    const scene = meshScene();
    after(() => scene.close());
    const fields = [...claimed].filter((field) => field.startsWith(`${kind.kind}.`));
    test("has claims", () => assert.notDeepEqual(fields, []));
    for (const field of fields) test(`${field} has an effect`, () => assertEffect(field, kind, scene));
    for (const field of withoutEffect(kind.kind))
      test(`${field} has none, and a warning says so`, () => assertWarned(field, kind, scene));
    for (const { pattern, onlyValue } of unimplementedFields.filter((each) => each.kind === kind.kind)) {
      if (onlyValue === undefined || !pattern.startsWith("spec.")) continue;
      test(`${kind.kind}.${pattern}: ${onlyValue} has a warning`, () => {
        const place = { path: pattern, value: onlyValue, schema: schemaOf(kind.kind) };
        const { apiVersion, metadata, spec } = kind;
        assert.equal(warningCount(withField({ apiVersion, kind: kind.kind, metadata, spec }, place)), 1);
      });
    }
  });
}

function assertEffect(field: string, kind: KindSettings, scene: MeshScene): void {
  const { leaf, setting, variants, beside } = variantsOf(field, kind);
  if (setting.refused !== undefined) {
    assertRefused(variants);
    return;
  }
  const sent = new Map<unknown, SentBytes>(
    variants.map(([value, object]) => [value, scene.sentWith([...beside, parsed(object)])]),
  );
  for (const value of leaf.enum ?? []) assert.ok(sent.has(value), `${value} isn't tried`);
  const entries = [...sent];
  assert.ok(entries.length > 1, "one value alone changes nothing");
  for (const [at, [value, bytes]] of entries.entries())
    for (const [other, otherBytes] of entries.slice(at + 1)) {
      const isSame = setting.same?.some((group) => group.includes(value) && group.includes(other)) ?? false;
      const differs = differences(bytes, otherBytes);
      const what = `${canonicalField(field)}: ${JSON.stringify(value)} and ${JSON.stringify(other)}`;
      if (isSame) assert.deepEqual(differs, [], `${what} mean the same`);
      else assert.notDeepEqual(differs, [], `${what} send the same bytes`);
    }
}

function assertRefused(variants: readonly (readonly [value: unknown, object: unknown])[]): void {
  assert.notDeepEqual(variants, []);
  for (const [value, object] of variants)
    assert.ok(parseObject(object).findings.some(isError), `${JSON.stringify(value)} is taken`);
}

function assertWarned(field: string, kind: KindSettings, scene: MeshScene): void {
  const { variants, base, beside } = variantsOf(field, kind);
  const before = scene.sentWith([...beside, parsed(base)]);
  for (const [value, object] of variants) {
    assert.ok(warningCount(object) > warningCount(base), `${JSON.stringify(value)} isn't warned of`);
    assert.deepEqual(differences(before, scene.sentWith([...beside, parsed(object)])), []);
  }
}

/** Objects that differ in one field, by its value. */
function variantsOf(field: string, { kind, apiVersion, metadata, spec, settings }: KindSettings) {
  const path = field.slice(field.indexOf(".") + 1);
  const schema = schemaOf(kind);
  const leaf = schemaAt(schema, path);
  const setting: FieldSetting = settings.find(({ fields }) => fields.test(field)) ?? { fields: /./ };
  const objectOf = (specOfIt: unknown) => ({ apiVersion, kind, metadata, spec: specOfIt });
  const base = objectOf(setting.spec ?? spec);
  const variants =
    setting.specs?.map(([value, specOfIt]) => [value, objectOf(specOfIt)] as const) ??
    (setting.refused ?? setting.values ?? sampleValues(leaf)).map(
      (value) => [value, withField(base, { path, value, schema })] as const,
    );
  return { leaf, setting, base, variants, beside: objectsOf(setting.beside ?? "") };
}

function warningCount(object: unknown): number {
  return unimplemented(object as KubernetesObject).length;
}

/** Leaves of what is listed as without effect, other than by its value. */
function withoutEffect(kind: string): readonly string[] {
  const listed = unimplementedFields.filter((each) => each.kind === kind && each.onlyValue === undefined);
  const isListed = (leaf: string) =>
    listed.some(
      ({ pattern }) => leaf === pattern || leaf.startsWith(`${pattern}.`) || leaf.startsWith(`${pattern}[`),
    );
  return leavesOf(schemaOf(kind) as unknown as TSchema)
    .filter(
      (leaf) =>
        isListed(leaf) && (kind === "MeshConfig" || canonicalField(`${kind}.${leaf}`) === `${kind}.${leaf}`),
    )
    .map((leaf) => `${kind}.${leaf}`);
}

function schemaOf(kind: string): FieldSchema {
  const found = kindByName.get(kind);
  assert.ok(found !== undefined);
  return found.schema as unknown as FieldSchema;
}

function parsed(value: unknown): KubernetesObject {
  const { kind } = value as KubernetesObject;
  if (kind === "MeshConfig") return value as KubernetesObject;
  const { object, findings } = parseObject(value);
  assert.deepEqual(findings.filter(isError), []);
  assert.ok(object !== undefined);
  return object;
}

function differences(one: SentBytes, other: SentBytes): readonly string[] {
  return [...new Set([...one.keys(), ...other.keys()])].filter((key) => one.get(key) !== other.get(key));
}
