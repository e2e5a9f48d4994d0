// Fails for a field of a kind's schema that no feature claims and no list gives a reason for, for a claim of a
// field that doesn't exist, and when docs/reference/fields.md is stale (`--write` writes it anew).

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { kinds } from "../src/kinds/all-kinds.ts";
import { canonicalField } from "../src/kinds/same-fields.ts";
import { unimplementedFields } from "../src/kinds/unimplemented-fields.ts";
import { type Claim, claimRegistry } from "./claim-registry.ts";
import { claimedFieldsByFile } from "./claimed-fields.ts";
import { unmentionedClaims } from "./field-claims.ts";
import { formatFields } from "./format-fields.ts";
import { ignoredFields } from "./ignored-fields.ts";
import { leavesOf } from "./walk-schema.ts";

/** What becomes of a field that a user sets. */
export type FieldFate =
  | { readonly is: "implemented" }
  | { readonly is: "warned"; readonly reason: string }
  | { readonly is: "ignored"; readonly reason: string }
  | { readonly is: "unknown" };

/** A field, or a part with all that is below it, and why it has no effect. */
export interface ExcusedField {
  /** `Kind.path`. */
  readonly field: string;
  readonly reason: string;
}

export interface FieldLists {
  readonly claims: readonly Claim[];
  /** Whoever sets one gets a warning. */
  readonly warned: readonly ExcusedField[];
  /** Whoever sets one isn't told, as nothing would be other than expected. */
  readonly ignored: readonly ExcusedField[];
}

export interface FieldReport {
  /** By `Kind.path`, canonical places only, in the order of the schemas. */
  readonly fates: ReadonlyMap<string, FieldFate>;
  readonly findings: readonly string[];
}

/** `leaves` are `Kind.path`. */
export function checkFields(leaves: readonly string[], { claims, warned, ignored }: FieldLists): FieldReport {
  const matchers = [
    ...claims.map((claim) => matcher(claim.field, { is: "implemented" }, `claimed in ${claim.file}`)),
    ...warned.map(({ field, reason }) => matcher(field, { is: "warned", reason }, "listed as unimplemented")),
    ...ignored.map(({ field, reason }) => matcher(field, { is: "ignored", reason }, "listed as ignored")),
  ];
  const fates = new Map<string, FieldFate>();
  const findings: string[] = [];
  for (const leaf of new Set(leaves.map(canonicalField))) {
    const matching = matchers.filter((each) => each.covers(leaf));
    for (const each of matching) each.isUsed = true;
    const [first = { fate: { is: "unknown" } as const, origin: "" }] = matching;
    const contrary = matching.find((each) => each.fate.is !== first.fate.is);
    if (contrary !== undefined) findings.push(`${leaf} is ${first.origin}, and also ${contrary.origin}`);
    fates.set(leaf, first.fate);
  }
  const unused = matchers.filter((each) => !each.isUsed);
  findings.push(...unused.map(({ field, origin }) => `${field} is ${origin}, but no kind has such a field`));
  return { fates, findings: [...foldUnknown(fates), ...findings] };
}

interface Matcher {
  readonly field: string;
  readonly fate: FieldFate;
  readonly origin: string;
  readonly covers: (leaf: string) => boolean;
  isUsed: boolean;
}

function matcher(field: string, fate: FieldFate, origin: string): Matcher {
  const stem = canonicalField(field.replace(/(\.\*|\[\])$/, ""));
  // A claim is one leaf; a list with reasons means all of what is below a part.
  const covers =
    fate.is === "implemented"
      ? (leaf: string) => leaf === canonicalField(field)
      : (leaf: string) => leaf === stem || leaf.startsWith(`${stem}.`) || leaf.startsWith(`${stem}[`);
  return { field, fate, origin, covers, isUsed: false };
}

function foldUnknown(fates: ReadonlyMap<string, FieldFate>): string[] {
  return [...fates]
    .filter(([, fate]) => fate.is === "unknown")
    .map(([field]) => `${field}: no feature claims it, and no list says why it has no effect`);
}

/** What every kind has, and Kubernetes' machinery or our own status writer deals with. */
function isGeneric(path: string): boolean {
  return /^(apiVersion|kind|metadata|status)(\.|$)|^spec\.template\.metadata\./.test(path);
}

function main(): void {
  const root = join(import.meta.dirname, "..");
  const leaves = kinds.flatMap(({ kind, schema }) =>
    leavesOf(schema)
      .filter((path) => !isGeneric(path))
      .map((path) => `${kind}.${path}`),
  );
  const { fates, findings } = checkFields(leaves, {
    claims: claimRegistry,
    warned: unimplementedFields
      .filter(({ onlyValue }) => onlyValue === undefined)
      .map(({ kind, pattern, reason }) => ({ field: `${kind}.${pattern}`, reason })),
    ignored: ignoredFields,
  });
  const page = formatFields(fates);
  const file = join(root, "docs/reference/fields.md");
  const isStale = !existsSync(file) || readFileSync(file, "utf8") !== page;
  const problems = [...unmentionedClaims(root, claimedFieldsByFile), ...findings];
  if (isStale && process.argv.includes("--write")) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, page);
  } else if (isStale) problems.push("docs/reference/fields.md is stale: run `npm run fields -- --write`");
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) main();
