// Fails where code leaves the house's shape in ways that Biome doesn't see: long files, deep nesting, files
// without an opening comment or with a name that says nothing, and promises that nobody waits for.

import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { findDeepNesting } from "./find-deep-nesting.ts";
import { findFloatingPromises } from "./find-floating-promises.ts";
import type { Node, ProgramFile } from "./typescript-program.ts";
import { TypeScriptProgram } from "./typescript-program.ts";

const MAX_FILE_LINES = 500;
const MAX_NESTING = 4;

// A thing without a noun has no home yet.
const emptyNames = ["util", "utils", "common", "helper", "helpers", "misc", "manager", "types", "constants"];

/** What is wrong with a file by its name and text alone. */
export function checkText(path: string, text: string): string[] {
  const findings: string[] = [];
  const lineCount = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
  if (lineCount > MAX_FILE_LINES)
    findings.push(`${path}: ${lineCount} lines, at most ${MAX_FILE_LINES} are allowed`);
  const stem = basename(path).replace(/(\.test)?\.\w+$/, "");
  const segments = [...path.split("/").slice(0, -1), stem];
  const emptyName = segments.find(
    (segment) => emptyNames.includes(segment) || /-(utils?|helpers?)$/.test(segment),
  );
  if (emptyName !== undefined)
    findings.push(`${path}: "${emptyName}" says nothing; name the noun that it is about`);
  const isTest = /\.test\.\w+$/.test(path);
  if (!isTest && !/^(#!.*\n)?\/[/*]/.test(text)) {
    findings.push(`${path}:1: opens without a comment that says what the file is, and what it never does`);
  }
  return findings;
}

/** What is wrong with a file by its syntax and types. */
export function checkSyntax(program: TypeScriptProgram, file: ProgramFile): string[] {
  const deep = findDeepNesting(file.tree, MAX_NESTING);
  const floating = findFloatingPromises(program, file);
  return [
    ...deep.map((node) => `${placeOf(file, node)}: nested deeper than ${MAX_NESTING}`),
    ...floating.map(
      (node) => `${placeOf(file, node)}: nobody waits for this promise: ${excerpt(file, node)}`,
    ),
  ];
}

function placeOf({ path, tree }: ProgramFile, node: Node): string {
  const { line, character } = tree.getLineAndCharacterOfPosition(node.getStart(tree));
  return `${path}:${line + 1}:${character + 1}`;
}

function excerpt({ tree }: ProgramFile, node: Node): string {
  const [firstLine = ""] = tree.text.slice(node.getStart(tree), node.end).split("\n");
  return firstLine.length > 80 ? `${firstLine.slice(0, 79)}…` : firstLine;
}

/** Paths of all source files, relative to `root`; what is installed, built or generated isn't source. */
function listSources(root: string, folder = ""): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      const isSource = !entry.name.startsWith(".") && !["node_modules", "dist", "src/gen"].includes(path);
      return isSource ? listSources(root, path) : [];
    }
    return /\.(ts|mjs)$/.test(path) ? [path] : [];
  });
}

function main(): void {
  const root = join(import.meta.dirname, "..");
  const findings = listSources(root).flatMap((path) =>
    checkText(path, readFileSync(join(root, path), "utf8")),
  );
  const program = new TypeScriptProgram(root);
  try {
    const files = program.files((path) => !path.startsWith("src/gen/"));
    findings.push(...files.flatMap((file) => checkSyntax(program, file)));
  } finally {
    program.close();
  }
  for (const finding of findings) console.error(finding);
  process.exitCode = findings.length > 0 ? 1 : 0;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) main();
