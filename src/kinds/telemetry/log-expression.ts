// What of a CEL expression no Envoy takes, as far as can be told without one: its syntax, functions that Envoys don't have,
// and regular expressions. Attributes aren't looked up: one that isn't there makes an expression untrue.

import { parse } from "@bufbuild/cel";
import { regexFault } from "../value-rules.ts";

/** Envoy takes longer ones too; nobody writes them, and reading has to end soon. */
const MAX_CHARACTERS = 4_096;

type Parsed = ReturnType<typeof parse>;
type Expression = NonNullable<Parsed["expr"]>;

/** What is wrong with it, as a part of a sentence; undefined for nothing. */
export function findExpressionFault(expression: string): string | undefined {
  if (expression.length > MAX_CHARACTERS)
    return `found ${expression.length} characters, wanted at most ${MAX_CHARACTERS}`;
  try {
    return findUnknownPart(parse(expression));
  } catch (error) {
    if (error instanceof RangeError) return "it is nested too deeply";
    const message = error instanceof Error ? error.message : String(error);
    const [, column, found] = /^<input>:1:(\d+): (found .*?)(?: but expecting .*)?$/s.exec(message) ?? [];
    return column === undefined ? message : `${found} at character ${column}`;
  }
}

function findUnknownPart({ expr, sourceInfo }: Parsed): string | undefined {
  for (const part of partsOf(expr)) {
    const { exprKind } = part;
    if (exprKind.case === "comprehensionExpr") {
      const macro = sourceInfo?.macroCalls[String(part.id)]?.exprKind;
      return `Envoys go through no lists: ${macro?.case === "callExpr" ? macro.value.function : "a macro"}()`;
    }
    const fault = exprKind.case === "callExpr" ? findCallFault(exprKind.value) : undefined;
    if (fault !== undefined) return fault;
  }
  return undefined;
}

type Arities = ReadonlyMap<string, readonly number[]>;

// Envoys have CEL's standard functions but for `string`. What they are called on isn't looked at.
const onValues: Arities = new Map([
  ...taking([0], "size"),
  ...taking([1], "contains startsWith endsWith matches"),
  ...taking([0, 1], "getFullYear getMonth getDate getDayOfMonth getDayOfWeek getDayOfYear"),
  ...taking([0, 1], "getHours getMinutes getSeconds getMilliseconds"),
]);
const alone: Arities = new Map([
  ...taking([1], "size duration timestamp int uint double bytes bool dyn type"),
  ...taking([2], "contains startsWith endsWith matches"),
]);

function taking(counts: readonly number[], names: string): readonly (readonly [string, readonly number[]])[] {
  return names.split(" ").map((name) => [name, counts]);
}

/** As the parser names them, such as `_+_`; nobody can write such a name. */
const OPERATOR = /[^\w.]|^@in$/;

type Call = Extract<Expression["exprKind"], { readonly case: "callExpr" }>["value"];

function findCallFault({ function: name, target, args }: Call): string | undefined {
  if (target === undefined && OPERATOR.test(name)) return undefined;
  if (target === undefined && name === "has") return "has() takes a field, such as has(a.b)";
  const isKnown = (target === undefined ? alone : onValues).get(name)?.includes(args.length) === true;
  if (!isKnown) {
    const count = args.length === 1 ? "1 argument" : `${args.length} arguments`;
    return `Envoys have no function ${target === undefined ? "" : "."}${name}() of ${count}`;
  }
  return name === "matches" ? findPatternFault(args.at(-1)) : undefined;
}

/** Of one that is written out: others are read while they are used. */
function findPatternFault(pattern: Expression | undefined): string | undefined {
  const literal = pattern?.exprKind.case === "constExpr" ? pattern.exprKind.value.constantKind : undefined;
  return literal?.case === "stringValue" ? regexFault(literal.value) : undefined;
}

/** The whole first, then what is in it. */
function* partsOf(whole: Expression | undefined): Generator<Expression> {
  if (whole === undefined) return;
  yield whole;
  for (const part of childrenOf(whole.exprKind)) yield* partsOf(part);
}

function childrenOf(kind: Expression["exprKind"]): readonly (Expression | undefined)[] {
  switch (kind.case) {
    case "selectExpr":
      return [kind.value.operand];
    case "callExpr":
      return [kind.value.target, ...kind.value.args];
    case "listExpr":
      return kind.value.elements;
    case "structExpr":
      return kind.value.entries.flatMap(({ keyKind, value }) =>
        keyKind.case === "mapKey" ? [keyKind.value, value] : [value],
      );
    default:
      return [];
  }
}
