import assert from "node:assert/strict";
import { test } from "node:test";
import { type Projection, projections } from "./projections.ts";
import { INLINE, type WireForm, type WireMessage, wireForms } from "./wire-forms.ts";

test("wireForms have every field that is projected", () => {
  let leafCount = 0;
  const compare = (projection: Projection, form: WireForm | undefined, path: string): void => {
    assert.ok(form !== undefined, `${path} has no wire form`);
    if (typeof projection === "string") {
      const isMap = projection === "labels" || projection === "annotations";
      assert.equal(form === "texts by name", isMap, path);
      leafCount += 1;
    } else if (isList(projection)) {
      assert.ok(isList(form), path);
      compare(projection[0], form[0], `${path}[]`);
    } else {
      assert.ok(typeof form === "object" && !isList(form), path);
      const fields = { ...form, ...inlined(form) };
      for (const [field, inner] of Object.entries(projection))
        compare(inner, fields[field]?.[1], `${path}.${field}`);
    }
  };
  for (const [kind, form] of wireForms) compare(projections.get(kind) ?? {}, form, kind);
  assert.ok(leafCount > 50, `${leafCount} fields were compared`);
});

test("wireForms give no two fields of a message the same number", () => {
  const check = (form: WireForm, path: string): void => {
    if (typeof form === "string") return;
    if (isList(form)) {
      check(form[0], path);
      return;
    }
    const numbers = Object.values(form).map(([number]) => number);
    assert.equal(new Set(numbers).size, numbers.length, path);
    for (const [field, [, inner]] of Object.entries(form)) check(inner, `${path}.${field}`);
  };
  for (const [kind, form] of wireForms) check(form, kind);
});

function inlined(form: WireMessage): WireMessage {
  return (form[INLINE]?.[1] ?? {}) as WireMessage;
}

function isList<T>(value: T | readonly [T]): value is readonly [T] {
  return Array.isArray(value);
}
