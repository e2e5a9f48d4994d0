// Fails when a file imports what its room may not see, when files import one another in a cycle, be it of types alone,
// when a file for tests is in src, or when the diagram in ARCHITECTURE.md is stale (`--write` draws it). The rules are in
// tools/layers.ts.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { findCycles } from "./find-cycles.ts";
import type { Import } from "./import-graph.ts";
import { listSources, readImports } from "./import-graph.ts";
import type { Room } from "./layers.ts";
import { impureModules, rooms, wiringRoom } from "./layers.ts";

/** One sentence for each import that breaks a rule, in the order of the files. */
export function checkLayers(imports: readonly Import[], layers: readonly Room[] = rooms): string[] {
  const findings = new Set<string>();
  for (const each of imports) {
    const finding = checkImport(each, layers);
    if (finding !== undefined) findings.add(finding);
  }
  const cycles = findCycles(imports.filter(({ isDynamic }) => !isDynamic)).map(
    (cycle) => `Cycle of imports, types included: ${cycle.join(" -> ")}`,
  );
  return [...[...findings].sort(), ...cycles];
}

function checkImport({ from, to, isType }: Import, layers: readonly Room[]): string | undefined {
  const fromRoom = roomOf(from);
  const toRoom = roomOf(to);
  if (fromRoom === undefined) return undefined;
  const layer = layers.find((room) => room.name === fromRoom);
  if (layer === undefined && fromRoom !== wiringRoom) {
    return `${from} is in no room that tools/layers.ts knows: "${fromRoom}"`;
  }
  if (toRoom === undefined) {
    const isWrong = layer?.isPure === true && impureModules.includes(to.replace(/^(?!node:)/, "node:"));
    return isWrong
      ? `${from} imports "${to}", but ${fromRoom} is pure: let what it needs come as an argument`
      : undefined;
  }
  if (toRoom === wiringRoom && fromRoom !== wiringRoom)
    return `${from} imports ${to}, but nobody imports ${wiringRoom}`;
  if (layer === undefined || toRoom === fromRoom || covers(layer.sees, to)) return undefined;
  const mayUseTypes = covers(layer.seesTypesOf ?? [], to);
  if (isType && mayUseTypes) return undefined;
  const sight = layer.sees.join(", ") || "no other room";
  const note = mayUseTypes ? `only types of ${toRoom}` : `only ${sight}`;
  return `${from} imports ${to}, but ${fromRoom} sees ${note}`;
}

/** One sentence for each file of src that only tests use; tests themselves stay beside the code. */
export function checkPlaces(files: readonly string[]): string[] {
  return files
    .filter((file) => /(^|\/)test-[^/]*$|-fixture\.ts$/.test(file) && !file.endsWith(".test.ts"))
    .map((file) => `${file} is for tests: it belongs in tests/support`);
}

function roomOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1];
}

function covers(sight: readonly string[], path: string): boolean {
  return sight.some((entry) => path.startsWith(`src/${entry}/`) || path === `src/${entry}.ts`);
}

/** The rooms as a table of plain text: readable in a terminal, and in a diff. */
export function drawLayers(layers: readonly Room[] = rooms): string {
  const width = Math.max(...layers.map((room) => room.name.length)) + 2;
  const purposeWidth = Math.max(...layers.map((room) => room.purpose.length)) + 2;
  const lines = layers.map((room) => {
    const types = room.seesTypesOf === undefined ? "" : ` (types: ${room.seesTypesOf.join(" ")})`;
    const sight = `${room.sees.join(" ") || "nothing"}${types}`;
    return `${room.name.padEnd(width)}${room.purpose.padEnd(purposeWidth)}<- ${sight}`;
  });
  lines.push(
    `${wiringRoom.padEnd(width)}${"constructs and wires".padEnd(purposeWidth)}<- all; nobody imports it`,
  );
  return lines.join("\n");
}

const START = "<!-- layers: drawn by tools/check-layers.ts --write -->";
const END = "<!-- /layers -->";

/** The document with the diagram between its markers replaced; undefined when it has no markers. */
export function insertDiagram(document: string, diagram: string): string | undefined {
  const start = document.indexOf(START);
  const end = document.indexOf(END);
  if (start === -1 || end < start) return undefined;
  return `${document.slice(0, start)}${START}\n\`\`\`\n${diagram}\n\`\`\`\n${document.slice(end)}`;
}

async function main(): Promise<void> {
  const root = join(import.meta.dirname, "..");
  const findings = [...checkLayers(await readImports(root)), ...checkPlaces(listSources(root))];
  const file = join(root, "ARCHITECTURE.md");
  const document = readFileSync(file, "utf8");
  const updated = insertDiagram(document, drawLayers());
  if (updated === undefined) findings.push(`ARCHITECTURE.md lacks the markers ${START} and ${END}`);
  else if (updated !== document && process.argv.includes("--write")) writeFileSync(file, updated);
  else if (updated !== document) findings.push("ARCHITECTURE.md is stale: run `npm run layers -- --write`");
  for (const finding of findings) console.error(finding);
  process.exitCode = findings.length > 0 ? 1 : 0;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
