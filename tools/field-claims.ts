// Gathers what the sources claim to implement: every exported list whose name ends in "Fields", wherever it
// stands under src/, and what tools/claimed-fields.ts says of files without such a list.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

export interface Claim {
  /** `Kind.path`; with `.*` at its end, everything below. */
  readonly field: string;
  /** The file that claims it. */
  readonly file: string;
}

const CLAIM_LIST = /^export const (\w+Fields): readonly string\[\] =/gm;

export async function readClaims(root: string): Promise<Claim[]> {
  const claims: Claim[] = [];
  for (const name of readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).sort()) {
    if (!name.endsWith(".ts") || name.endsWith(".test.ts") || /^(gen|kinds|main)\//.test(name)) continue;
    const file = `src/${name}`;
    const lists = [...readFileSync(join(root, file), "utf8").matchAll(CLAIM_LIST)].map(
      ([, list = ""]) => list,
    );
    if (lists.length === 0) continue;
    const module = (await import(pathToFileURL(join(root, file)).href)) as Readonly<
      Record<string, readonly string[]>
    >;
    for (const list of lists) claims.push(...(module[list] ?? []).map((field) => ({ field, file })));
  }
  return claims;
}

/** Claims on behalf of files, and what is wrong with them: a claim counts while its file mentions the field. */
export function readClaimsByFile(
  root: string,
  fieldsByFile: Readonly<Record<string, readonly string[]>>,
): { claims: Claim[]; findings: string[] } {
  const claims: Claim[] = [];
  const findings: string[] = [];
  for (const [file, fields] of Object.entries(fieldsByFile)) {
    const source = existsSync(join(root, file)) ? readFileSync(join(root, file), "utf8") : undefined;
    for (const field of fields) {
      const name = /(\w+)(\[\])?(\.\*)?$/.exec(field)?.[1] ?? "";
      if (source === undefined) findings.push(`${field} is claimed for ${file}, which doesn't exist`);
      else if (new RegExp(`\\b${name}\\b`).test(source)) claims.push({ field, file });
      else findings.push(`${field} is claimed for ${file}, which doesn't mention "${name}"`);
    }
  }
  return { claims, findings };
}
