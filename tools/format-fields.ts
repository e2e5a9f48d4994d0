// Writes docs/reference/fields.md: what becomes of each field of each kind. Parts whose fields all share one
// fate are one row.

import type { FieldFate } from "./check-fields.ts";

export function formatFields(fates: ReadonlyMap<string, FieldFate>): string {
  const kinds = new Map<string, Map<string, FieldFate>>();
  for (const [field, fate] of fates) {
    const dot = field.indexOf(".");
    const kind = field.slice(0, dot);
    const fields = kinds.get(kind) ?? new Map<string, FieldFate>();
    kinds.set(kind, fields.set(field.slice(dot + 1), fate));
  }
  return [intro, ...[...kinds].map(([kind, fields]) => formatKind(kind, fields))].join("\n");
}

const intro = `<!-- Written by tools/check-fields.ts --write. Do not edit. -->
# Fields

What becomes of each field of each kind that Meltemi knows. **yes**: it does what its API says. **not yet**: it is
accepted, has no effect, and whoever sets it gets a warning with file and line. **nothing to do**: it has no effect, and
none would be seen here. \`part.*\` stands for all fields of a part, \`[]\` for each item of a list.
The template of a workload is a pod; a subset's or a port's traffic policy is a traffic policy: each is listed once.
\`metadata\` and \`status\` are the same for every kind and not listed.
`;

const words = {
  implemented: "yes",
  warned: "not yet",
  ignored: "nothing to do",
  unknown: "unknown",
} as const;

function formatKind(kind: string, fields: ReadonlyMap<string, FieldFate>): string {
  const rows = fold([...fields].map(([path, fate]) => ({ steps: stepsOf(path), fate })));
  const lines = rows.map(({ path, fate }) => {
    const reason = "reason" in fate ? fate.reason : "";
    return `| \`${path}\` | ${words[fate.is]} | ${reason} |`;
  });
  return `## ${kind}\n\n| field | has effect | why not |\n|---|---|---|\n${lines.join("\n")}\n`;
}

interface Leaf {
  readonly steps: readonly string[];
  readonly fate: FieldFate;
}

/** `http[].match` is the steps `http`, `[]`, `.match`: what each adds to the path. */
function stepsOf(path: string): string[] {
  return path.match(/\[\]|\.?[^.[]+/g) ?? [path];
}

function fold(leaves: readonly Leaf[], prefix = ""): { path: string; fate: FieldFate }[] {
  const groups = new Map<string, Leaf[]>();
  for (const { steps, fate } of leaves) {
    const [step = "", ...rest] = steps;
    groups.set(step, [...(groups.get(step) ?? []), { steps: rest, fate }]);
  }
  return [...groups].flatMap(([step, group]) => {
    const path = prefix + step;
    const [first] = group;
    if (first === undefined) return [];
    const isUniform = group.every(({ fate }) => fateText(fate) === fateText(first.fate));
    if (!isUniform) return fold(group, path);
    return [{ path: group.length > 1 ? `${path}.*` : path + first.steps.join(""), fate: first.fate }];
  });
}

function fateText(fate: FieldFate): string {
  return "reason" in fate ? `${fate.is} ${fate.reason}` : fate.is;
}
