// Holds claims that stand in a table of their own against the files they speak for: each must mention the field.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What is wrong with claims on behalf of files. */
export function unmentionedClaims(
  root: string,
  fieldsByFile: Readonly<Record<string, readonly string[]>>,
): string[] {
  return Object.entries(fieldsByFile).flatMap(([file, fields]) => {
    const path = join(root, file);
    if (!existsSync(path)) return [`${file} has claims, but doesn't exist`];
    const source = readFileSync(path, "utf8");
    return fields.flatMap((field) => {
      const name = /(\w+)(\[\])?(\.\*)?$/.exec(field)?.[1] ?? "";
      if (new RegExp(`\\b${name}\\b`).test(source)) return [];
      return [`${field} is claimed for ${file}, which doesn't mention "${name}"`];
    });
  });
}
