// Stacks by the lines of our sources, where a bundle has a source map beside it. A map is read when a stack is written: Node's
// --enable-source-maps reads all of them as the program starts, which holds 40 MB of the control plane's memory for ever.

import { readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** In a line of a stack: a file's URL, a line and a column. */
const PLACE = /(file:\/\/[^\s()]+\.m?js):(\d+):(\d+)/g;

/** Several errors often come at once; between them the memory is free. */
const known = new Map<string, WeakRef<SourceMap>>();

/** What has no map keeps its place in the bundle. */
export function sourceStack(stack: string): string {
  return stack.replaceAll(PLACE, (place, url: string, line: string, column: string) => {
    const path = fileURLToPath(url);
    const entry = mapOf(path)?.findEntry(Number(line) - 1, Number(column) - 1);
    if (entry === undefined || !("originalSource" in entry)) return place;
    const source = relative(process.cwd(), resolve(dirname(path), entry.originalSource));
    return `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  });
}

function mapOf(path: string): SourceMap | undefined {
  const map = known.get(path)?.deref() ?? readMap(`${path}.map`);
  if (map !== undefined) known.set(path, new WeakRef(map));
  return map;
}

/** Undefined where there is none, or none that can be read: an error's own words count for more than its lines. */
function readMap(path: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return undefined;
  }
}
