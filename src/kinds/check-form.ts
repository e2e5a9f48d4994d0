// Holds a value against a schema: field names, types, ranges, oneofs. It finds, it never throws; meaning is
// left to the kinds' rules.

import { parseDuration } from "../core/duration.ts";
import { childPath } from "../core/field-path.ts";
import { spellingHint } from "../core/nearest-spelling.ts";
import { quoted } from "../core/quoted.ts";
import type { Finding } from "./define-kind.ts";
import type { Schema } from "./schema.ts";
import { nodeOf, type SchemaNode } from "./schema-node.ts";

interface FormOptions {
  /** Takes numbers in quotes, enum values by number and snake_case names, as Istio's own reader of MeshConfig does. */
  readonly isLenient?: boolean;
  /** Never quotes a value in a message. */
  readonly isSecret?: boolean;
  /** Warns of fields with nothing after the colon: they count as absent, which may mean more than was meant. */
  readonly warnsOfNull?: boolean;
  /** Finds wrong types and missing fields alone, and keeps fields that the schema lacks: a newer version may have them. */
  readonly isTypesOnly?: boolean;
}

export interface CheckedForm {
  /** The value without nulls, which stand for absent fields, and with lenient spellings made regular. */
  readonly value: unknown;
  readonly findings: readonly Finding[];
}

/** Checks all of `value`; findings come in the order of the value's fields. */
export function checkForm(
  schema: Schema<unknown>,
  value: unknown,
  options: FormOptions & { readonly path?: string } = {},
): CheckedForm {
  const findings: Finding[] = [];
  const {
    isLenient = false,
    isSecret = false,
    isTypesOnly = false,
    warnsOfNull = false,
    path = "",
  } = options;
  const context = { findings, isLenient, isSecret, isTypesOnly, warnsOfNull };
  return { value: checkNode(nodeOf(schema), value, path, context), findings };
}

interface Context extends Required<FormOptions> {
  readonly findings: Finding[];
}

function checkNode(node: SchemaNode, value: unknown, path: string, context: Context): unknown {
  if (node.properties !== undefined) return checkMessage(node, node.properties, { value, path, context });
  if (node.patternProperties !== undefined) return checkMap(node, value, path, context);
  if (node.items !== undefined) return checkList(node.items, value, path, context);
  if (node.enum !== undefined) return checkChoice(node.enum, value, path, context);
  if (node.anyOf !== undefined) return checkUnion(node.anyOf, value, path, context);
  if (node.type === "string") return checkText(node, value, path, context);
  if (node.type === "boolean") return checkBoolean(value, path, context);
  if (node.type === "integer" || node.type === "number") return checkNumber(node, value, path, context);
  return value;
}

interface Place {
  readonly value: unknown;
  readonly path: string;
  readonly context: Context;
}

function checkMessage(
  node: SchemaNode,
  properties: Readonly<Record<string, SchemaNode>>,
  { value, path, context }: Place,
) {
  if (!isRecord(value)) return wrongType("an object", value, path, context);
  const entries: [string, unknown][] = [];
  for (const [written, child] of Object.entries(value)) {
    const name = context.isLenient && !Object.hasOwn(properties, written) ? camelCase(written) : written;
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (property === undefined && context.isTypesOnly) entries.push([written, child]);
    else if (property === undefined) unknownField(written, Object.keys(properties), path, context);
    else if (child === null) absentField(pathTo(path, written), context);
    else entries.push([name, checkNode(property, child, pathTo(path, written), context)]);
  }
  const result = Object.fromEntries(entries);
  for (const name of node.required ?? []) {
    if (Object.hasOwn(result, name)) continue;
    const whenAbsent = properties[name]?.default;
    if (whenAbsent === undefined) missingField(name, path, context);
    else result[name] = whenAbsent;
  }
  for (const group of node.oneofs ?? []) checkOneof(group, result, path, context);
  return result;
}

function checkMap(node: SchemaNode, value: unknown, path: string, context: Context) {
  if (!isRecord(value)) return wrongType("an object", value, path, context);
  const item = Object.values(node.patternProperties ?? {})[0] ?? {};
  const entries = Object.entries(value).map(([key, child]): [string, unknown] => {
    // Kubernetes reads nothing as empty text here: `data: {key: }` is common in ConfigMaps.
    const present = child === null && item.type === "string" ? "" : child;
    return [key, checkNode(item, present, pathTo(path, key), context)];
  });
  return Object.fromEntries(entries);
}

function checkList(item: SchemaNode, value: unknown, path: string, context: Context) {
  if (!Array.isArray(value)) {
    const hint = isRecord(value) ? "begin each item with a dash" : undefined;
    return wrongType("a list", value, path, { ...context, hint });
  }
  return value.map((child: unknown, index) => checkNode(item, child, pathTo(path, index), context));
}

function checkOneof(
  group: readonly string[],
  value: Record<string, unknown>,
  path: string,
  context: Context,
) {
  const [first, second] = group.filter((name) => Object.hasOwn(value, name));
  if (first === undefined || second === undefined) return;
  report(context, {
    code: "MLT1005",
    path: pathTo(path, second),
    message: `"${first}" and "${second}" are both set, only one of them may be`,
  });
}

function checkChoice(choices: readonly string[], value: unknown, path: string, context: Context) {
  if (typeof value === "string" && choices.includes(value)) return value;
  if (context.isLenient && typeof value === "number" && choices[value] !== undefined) return choices[value];
  if (typeof value !== "string") return wrongType(`one of ${wordList(choices)}`, value, path, context);
  const hint = spellingHint(value, choices);
  report(context, {
    code: "MLT1005",
    path,
    message: `found ${describe(value, context)}, wanted one of ${wordList(choices)}`,
    ...(hint === undefined ? {} : { hint }),
  });
  return value;
}

function checkUnion(members: readonly SchemaNode[], value: unknown, path: string, context: Context) {
  const types = members.map((member) => member.type);
  if (typeof value === "string" && types.includes("string")) return value;
  if (typeof value === "number" && (types.includes("number") || Number.isInteger(value))) return value;
  const wanted = types.includes("number") ? "a number or a string" : "a whole number or a string";
  return wrongType(wanted, value, path, context);
}

function checkText(node: SchemaNode, value: unknown, path: string, context: Context) {
  if (typeof value !== "string") {
    const hint = textHint(node, value, context);
    return wrongType(formats[node.format ?? ""]?.wanted ?? "a string", value, path, { ...context, hint });
  }
  const format = formats[node.format ?? ""];
  if (format === undefined || format.accepts(value)) return value;
  const hint = format.hint?.(value);
  report(context, {
    code: "MLT1005",
    path,
    message: `found ${describe(value, context)}, wanted ${format.wanted}`,
    ...(hint === undefined ? {} : { hint }),
  });
  return value;
}

interface Format {
  readonly wanted: string;
  readonly accepts: (text: string) => boolean;
  readonly hint?: (text: string) => string | undefined;
}

const formats: Readonly<Record<string, Format>> = {
  duration: {
    wanted: 'a duration such as "5s" or "1m30s"',
    accepts: (text) => parseDuration(text) !== undefined,
    hint: (text) =>
      /^\d+(\.\d+)?$/.test(text) ? `a duration needs a unit: did you mean "${text}s"?` : undefined,
  },
  base64: {
    wanted: "base64",
    // Spaces at the end are taken off first: two patterns that both take them cost the square of their count.
    accepts: (text) => /^[A-Za-z0-9+/_\s-]*={0,2}$/.test(text.trimEnd()),
  },
  timestamp: {
    wanted: 'a time such as "2026-01-31T12:00:00Z"',
    accepts: (text) => !Number.isNaN(Date.parse(text)),
  },
};

function textHint(node: SchemaNode, value: unknown, context: Context) {
  const isScalar = typeof value === "number" || typeof value === "boolean";
  if (!isScalar || context.isSecret) return isScalar ? "put it in quotes" : undefined;
  return node.format === "duration" ? `did you mean "${value}s"?` : `put it in quotes: "${value}"`;
}

function checkBoolean(value: unknown, path: string, context: Context) {
  if (typeof value === "boolean") return value;
  const isQuoted = value === "true" || value === "false";
  if (context.isLenient && isQuoted) return value === "true";
  const hint = isQuoted ? "remove the quotes" : undefined;
  return wrongType("true or false", value, path, { ...context, hint });
}

function checkNumber(node: SchemaNode, value: unknown, path: string, context: Context) {
  const isQuoted = typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value);
  const number = isQuoted && context.isLenient ? Number(value) : value;
  const wanted = node.type === "integer" ? "a whole number" : "a number";
  if (typeof number !== "number" || !Number.isFinite(number)) {
    return wrongType(wanted, value, path, { ...context, hint: isQuoted ? "remove the quotes" : undefined });
  }
  if (node.type === "integer" && !Number.isInteger(number)) return wrongType(wanted, value, path, context);
  const { minimum = -Infinity, maximum = Infinity } = node;
  if (number < minimum || number > maximum) {
    const message = `found ${describe(value, context)}, wanted a number from ${minimum} to ${maximum}`;
    report(context, { code: "MLT1005", path, message });
  }
  return number;
}

function wrongType(
  wanted: string,
  value: unknown,
  path: string,
  context: Context & { hint?: string | undefined },
) {
  const { hint } = context;
  const message = `found ${describe(value, context)}, wanted ${wanted}`;
  report(context, { code: "MLT1004", path, message, ...(hint === undefined ? {} : { hint }) });
  return value;
}

function unknownField(name: string, known: readonly string[], path: string, context: Context) {
  if (context.findings.length >= MAX_FINDINGS) return;
  const hint =
    spellingHint(name, known) ?? (known.length <= 8 ? `known here: ${known.join(", ")}` : undefined);
  const where = path === "" ? "at the top of the object" : `in ${path}`;
  report(context, {
    code: "MLT1003",
    path: pathTo(path, name),
    message: `there is no field ${quoted(name)} ${where}`,
    ...(hint === undefined ? {} : { hint }),
  });
}

function absentField(path: string, context: Context) {
  if (!context.warnsOfNull || context.findings.length >= MAX_WARNINGS) return;
  const message = "nothing stands here, so the field counts as absent";
  report(context, { code: "MLT1005", severity: "warning", path, message });
}

function missingField(name: string, path: string, context: Context) {
  report(context, { code: "MLT1006", path: pathTo(path, name), message: `"${name}" is required` });
}

/** Nobody reads more, and who sends an object to the webhook chooses how many there are. */
const MAX_FINDINGS = 200;
/** Whatever is warned of, there is room for the error that refuses the object. */
const MAX_WARNINGS = 100;

function report({ findings, isTypesOnly }: Context, finding: Finding): void {
  const isOfTypes = finding.code === "MLT1004" || finding.code === "MLT1006";
  if (findings.length < MAX_FINDINGS && (isOfTypes || !isTypesOnly)) findings.push(finding);
}

/** Kubernetes' own keys are shorter. */
const MAX_KEY_LENGTH = 400;

function pathTo(parent: string, key: string | number): string {
  const isLong = typeof key === "string" && key.length > MAX_KEY_LENGTH;
  return childPath(parent, isLong ? `${key.slice(0, MAX_KEY_LENGTH)}…` : key);
}

function describe(value: unknown, { isSecret }: Context): string {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  if (isSecret) return `a ${typeof value}`;
  if (typeof value !== "string") return `${typeof value} ${String(value)}`;
  return quoted(value);
}

function wordList(words: readonly string[]) {
  return words.map((word) => `"${word}"`).join(", ");
}

function camelCase(name: string) {
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
