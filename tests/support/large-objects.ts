// For tests: objects of a kind that are small but for one list or map, or one text, of any size; for each of those in the
// kind's schema.

import type { Kind } from "../../src/kinds/define-kind.ts";

interface Form {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Form>>;
  readonly patternProperties?: Readonly<Record<string, Form>>;
  readonly items?: Form;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly Form[];
  readonly required?: readonly string[];
  readonly format?: string;
}

export interface LargePlace {
  /** With `[]` for a list's items and `*` for a map's values, such as `spec.http[].match`. */
  readonly path: string;
  readonly sort: "list" | "map" | "text";
  /** The object with `count` entries there, made of `word`; for a text, with `word(0)` there. */
  build(count: number, word: Word): Record<string, unknown>;
}

/** The text of entry `index`. */
export type Word = (index: number) => string;

export function largePlaces(kind: Pick<Kind, "apiVersion" | "kind" | "schema">): LargePlace[] {
  const form = kind.schema as Form;
  return [...placesIn(form, [])].map(({ steps, sort }) => ({
    path: pathOf(steps),
    sort,
    build(count, word) {
      const object = filled(form, steps, { count, word }) as Record<string, unknown>;
      const metadata = { name: "a", ...(object.metadata as object) };
      return { ...object, apiVersion: kind.apiVersion, kind: kind.kind, metadata };
    },
  }));
}

interface Place {
  readonly steps: readonly string[];
  readonly sort: LargePlace["sort"];
}

function* placesIn(form: Form, steps: readonly string[]): Iterable<Place> {
  for (const [name, child] of Object.entries(form.properties ?? {})) {
    if (steps.length > 0 || !["apiVersion", "kind"].includes(name)) yield* placesIn(child, [...steps, name]);
  }
  const value = mapValueOf(form);
  if (value !== undefined) {
    yield { steps, sort: "map" };
    yield* placesIn(value, [...steps, "*"]);
  }
  if (form.items !== undefined) {
    yield { steps, sort: "list" };
    yield* placesIn(form.items, [...steps, "[]"]);
  }
  if (isText(form)) yield { steps, sort: "text" };
}

interface Filling {
  readonly count: number;
  readonly word: Word;
}

/** The smallest value of the form that has the place at `steps`, filled. */
function filled(form: Form, [step, ...rest]: readonly string[], filling: Filling): unknown {
  if (step === undefined) return fullOf(form, filling);
  if (step === "[]") return [filled(form.items ?? {}, rest, filling)];
  if (step === "*") return { 80: filled(mapValueOf(form) ?? {}, rest, filling) };
  const child = filled(form.properties?.[step] ?? {}, rest, filling);
  return { ...(smallestOf(form, () => "a")(0) as object), [step]: child };
}

function fullOf(form: Form, { count, word }: Filling): unknown {
  const indexes = Array.from({ length: count }, (_, index) => index);
  const value = mapValueOf(form);
  if (form.items !== undefined) return indexes.map(smallestOf(form.items, word));
  if (value === undefined) return word(0);
  const make = smallestOf(value, word);
  return Object.fromEntries(indexes.map((index) => [word(index), make(index)]));
}

/** Makes the smallest values of a form: required fields alone. */
function smallestOf(form: Form, word: Word): (index: number) => unknown {
  if (form.properties !== undefined) {
    const fields = firstFields(form).map(([name, child]) => [name, smallestOf(child, word)] as const);
    return (index) => Object.fromEntries(fields.map(([name, make]) => [name, make(index)]));
  }
  if (form.items !== undefined) {
    const make = smallestOf(form.items, word);
    return (index) => [make(index)];
  }
  if (mapValueOf(form) !== undefined) return () => ({});
  if (form.enum !== undefined) return () => form.enum?.[0];
  if (form.type === "boolean") return () => true;
  if (form.type === "integer" || form.type === "number") return (index) => 1 + (index % 60_000);
  const example = examplesByFormat[form.format ?? ""];
  if (example !== undefined) return () => example;
  return isText(form) ? word : () => ({});
}

const examplesByFormat: Readonly<Record<string, string>> = {
  duration: "1s",
  base64: "YQ==",
  timestamp: "2026-01-31T12:00:00Z",
};

/** Those that are required, or else the first text: an empty message often means nothing. */
function firstFields(form: Form): [string, Form][] {
  const fields = Object.entries(form.properties ?? {});
  const required = fields.filter(([name]) => form.required?.includes(name));
  return required.length > 0 ? required : fields.filter(([, child]) => isText(child)).slice(0, 1);
}

function mapValueOf(form: Form): Form | undefined {
  return Object.values(form.patternProperties ?? {})[0];
}

function isText(form: Form): boolean {
  return (form.type === "string" && form.enum === undefined) || form.anyOf !== undefined;
}

function pathOf(steps: readonly string[]): string {
  return steps.join(".").replaceAll(".[]", "[]");
}
