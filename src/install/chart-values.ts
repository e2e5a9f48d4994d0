// What a Helm chart's values are to us: declared once, as the chart's values.yaml, as the schema by which Helm refuses a
// wrong one, and for `meltemi install`, which takes the same files.

import { stringify } from "yaml";
import { childPath } from "../core/field-path.ts";
import { checkForm } from "../kinds/check-form.ts";
import type { Finding } from "../kinds/define-kind.ts";
import { anything, message, type Schema, type TypeOf } from "../kinds/schema.ts";

export interface ChartValue {
  /** A sentence, the comment in values.yaml. */
  readonly description: string;
  readonly schema: Schema<unknown>;
  /** What Helm is told besides. */
  readonly jsonSchema?: Readonly<Record<string, unknown>>;
  /** Read as Istio reads its MeshConfig: numbers in quotes, enums by number, names in snake_case. */
  readonly isLenient?: true;
}

export type ChartValues = Readonly<Record<string, ChartValue>>;

/** All of them, with the defaults where nothing was given. */
export type ValuesOf<V extends ChartValues> = { readonly [K in keyof V]: TypeOf<V[K]["schema"]> };

export function chartValuesFile(declared: ChartValues, defaults: Readonly<Record<string, unknown>>): string {
  return Object.entries(declared)
    .map(([name, { description }]) => `# ${description}\n${stringify({ [name]: defaults[name] })}`)
    .join("\n");
}

/** Helm checks values against it before it renders anything. */
export function chartValuesSchema(declared: ChartValues): string {
  const properties = Object.entries(declared).map(([name, { description, jsonSchema, schema }]) => [
    name,
    { description, ...(schema as object), ...jsonSchema },
  ]);
  const schema = {
    $schema: "http://json-schema.org/draft-07/schema#",
    type: "object",
    // Of charts that this one is a part of.
    properties: { ...Object.fromEntries(properties), global: { type: "object" } },
    additionalProperties: false,
  };
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

/** Holds the content of a values file against the declarations. */
export function checkChartValues<V extends ChartValues>(
  declared: V,
  content: unknown,
): { readonly values: Partial<ValuesOf<V>>; readonly findings: readonly Finding[] } {
  const names = message(Object.fromEntries(Object.keys(declared).map((name) => [name, anything()])));
  const whole = checkForm(names, content ?? {});
  const checked = Object.entries((whole.value ?? {}) as object).map(([name, value]) => {
    const { isLenient = false, schema } = declared[name] ?? { schema: anything() };
    return [name, checkForm(schema, value, { path: childPath("", name), isLenient })] as const;
  });
  const values = Object.fromEntries(checked.map(([name, { value }]) => [name, value])) as Partial<
    ValuesOf<V>
  >;
  const findings = [...whole.findings, ...checked.flatMap(([, found]) => found.findings)];
  return { values, findings: findings.length > 0 ? findings : patternFindings(declared, values) };
}

function patternFindings(declared: ChartValues, values: Readonly<Record<string, unknown>>): Finding[] {
  return Object.entries(declared).flatMap(([name, { jsonSchema }]) => {
    const { pattern } = jsonSchema ?? {};
    const value = values[name];
    if (typeof pattern !== "string" || typeof value !== "string" || new RegExp(pattern).test(value))
      return [];
    const path = childPath("", name);
    return [{ path, message: `found "${value}", wanted text of the form ${pattern}` }];
  });
}

type Tree = Readonly<Record<string, unknown>>;

/** As Helm does it: fields of objects one by one, lists as a whole. */
export function mergeValues<T extends object>(defaults: T, given: Partial<T>): T {
  return merged(defaults as Tree, given as Tree) as T;
}

function merged(defaults: Tree, given: Tree): Tree {
  const values = Object.entries(given).map(([name, value]) => {
    const before = defaults[name];
    return [name, isTree(before) && isTree(value) ? merged(before, value) : value] as const;
  });
  return { ...defaults, ...Object.fromEntries(values) };
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
