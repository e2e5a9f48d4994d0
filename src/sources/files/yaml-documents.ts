// Reads text as YAML documents with the place of every field. It knows no kinds, and throws for no text.

import type { CST, Document, Node, Tags } from "yaml";
import { Composer, isMap, isScalar, isSeq, LineCounter, Parser } from "yaml";
import type { Location } from "../../core/location.ts";
import type { PositionNode } from "../../core/positions.ts";
import type { Problem } from "../../core/problem.ts";
import { problem } from "../../core/problem.ts";

export interface YamlDocument {
  readonly value: unknown;
  readonly root: PositionNode;
}

export interface YamlText {
  /** Documents that are not empty. */
  readonly documents: readonly YamlDocument[];
  /** With an error among them, the text as a whole can't be relied on: what follows the error may be misread. */
  readonly problems: readonly Problem[];
}

/** Reads all documents. `file` is only named in problems. JSON is read too, since it is YAML. */
export function parseYaml(file: string, text: string): YamlText {
  const lines = new LineCounter();
  try {
    return readDocuments(file, text, lines);
  } catch (cause) {
    return refused(file, faultOf(cause), aliasOffset(cause, text), lines);
  }
}

// The yaml package throws for aliases that multiply and for those without an anchor.
function faultOf(cause: unknown) {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.includes("alias count") ? "its aliases multiply beyond bounds" : message;
}

function aliasOffset(cause: unknown, text: string) {
  const name = cause instanceof ReferenceError ? /alias .*: (\S+)$/.exec(cause.message)?.[1] : undefined;
  return name === undefined ? 0 : Math.max(0, text.indexOf(`*${name}`));
}

const MAX_ALIAS_COUNT = 100;
// Of tokens, of which a level of nesting takes two. The composer recurses, and overflowing the stack inside a
// regular expression ends the whole process (seen with 100,000 brackets), so depth is bounded before it runs.
const MAX_TOKEN_DEPTH = 400;

// Not among YAML's characters (YAML 1.2.2, 5.1), yet the parser takes them: they'd end up in names and headers.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const UNPRINTABLE = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;

function describeCharacter(character: string): string {
  const code = character.charCodeAt(0).toString(16).padStart(4, "0").toUpperCase();
  return `the control character U+${code} isn't allowed in YAML`;
}

function readDocuments(file: string, text: string, lines: LineCounter): YamlText {
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  const unprintable = UNPRINTABLE.exec(text);
  if (unprintable !== null) return refused(file, describeCharacter(unprintable[0]), unprintable.index, lines);
  if (isTooDeep(tokens)) return refused(file, "it is nested too deeply", 0, lines);
  const composer = new Composer({
    customTags: addYaml11Scalars,
    merge: true,
    prettyErrors: false,
    uniqueKeys: true,
    logLevel: "silent",
  });
  const all = [...composer.compose(tokens)] as Document.Parsed[];
  const problems = all.flatMap((document) => problemsOf(file, document, lines));
  const documents: YamlDocument[] = [];
  for (const document of all) {
    if (document.errors.length > 0 || isEmpty(document.contents)) continue;
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIAS_COUNT });
    documents.push({ value, root: positionNode(document.contents, lines) });
  }
  return { documents, problems };
}

function refused(file: string, fault: string, offset: number, lines: LineCounter): YamlText {
  const location = locationOf(file, offset, lines);
  return {
    documents: [],
    problems: [problem("MLT1001", { location, message: `Cannot read the text: ${fault}` })],
  };
}

function isTooDeep(tokens: readonly CST.Token[]): boolean {
  let level: CST.Token[] = [...tokens];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_TOKEN_DEPTH) return true;
    level = level.flatMap(childTokens);
  }
  return false;
}

function childTokens(token: CST.Token): CST.Token[] {
  if (token.type === "document") return token.value === undefined ? [] : [token.value];
  if (!("items" in token)) return [];
  return token.items.flatMap(({ key, value }) => [key, value].filter((child) => child != null));
}

function isEmpty(contents: Node | null) {
  return contents === null || (isScalar(contents) && contents.value === null);
}

function problemsOf(file: string, document: Document.Parsed, lines: LineCounter): Problem[] {
  const found = [...document.errors, ...document.warnings];
  return found.map(({ name, code, message, pos }) => {
    const location = locationOf(file, pos[0], lines);
    const hint = hints[code];
    return problem("MLT1001", {
      location,
      message: message.replace(/\s+/g, " "),
      ...(name === "YAMLWarning" ? { severity: "warning" } : {}),
      ...(hint === undefined ? {} : { hint }),
    });
  });
}

const hints: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: "indent with spaces",
  BAD_INDENT: "align it with the lines that it belongs to",
  DUPLICATE_KEY: "remove one of the two",
  MULTILINE_IMPLICIT_KEY: "is a colon missing, or the indentation off?",
};

function locationOf(file: string, offset: number, lines: LineCounter): Location {
  const { line, col } = lines.linePos(offset);
  return { file, line: Math.max(1, line), column: Math.max(1, col) };
}

function positionNode(node: unknown, lines: LineCounter, offset?: number): PositionNode {
  const start = offset ?? (node as Node | null)?.range?.[0] ?? 0;
  const { line, col } = lines.linePos(start);
  const children = childPositions(node, lines);
  return children === undefined ? [line, col] : [line, col, children];
}

function childPositions(node: unknown, lines: LineCounter): PositionNode[2] {
  if (isSeq(node)) return node.items.map((item) => positionNode(item, lines));
  if (!isMap(node)) return undefined;
  const named = node.items.flatMap(({ key, value }): [string, PositionNode][] => {
    if (!isScalar(key) || typeof key.value === "symbol") return []; // A symbol is the merge key <<.
    return [[String(key.value), positionNode(value, lines, key.range?.[0])]];
  });
  return Object.fromEntries(named);
}

// kubectl reads YAML 1.1's octal numbers and booleans, so manifests rely on `defaultMode: 0400` and `enabled: yes`.
// The rest of YAML 1.1 stays away: it reads 8080:80 as a number in base 60, which kubectl doesn't.
function addYaml11Scalars(tags: Tags): Tags {
  return [
    {
      tag: "tag:yaml.org,2002:int",
      default: true,
      test: /^[-+]?0[0-7_]+$/,
      resolve: (text: string) => Number.parseInt(text.replaceAll("_", ""), 8),
    },
    {
      tag: "tag:yaml.org,2002:bool",
      default: true,
      test: /^(?:[Yy]es|YES|[Nn]o|NO|[Oo]n|ON|[Oo]ff|OFF)$/,
      resolve: (text: string) => /^(?:yes|on)$/i.test(text),
    },
    ...tags,
  ];
}
