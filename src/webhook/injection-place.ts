// What one webhook configuration says of its pods by its path, as Istio's does: /inject/cluster/NAME/net/NAME, where any
// other word names a variable of the proxy's environment. Names with slashes are said as :ENV:cluster=NAME:ENV:net=NAME.

import type { InjectionSettings } from "../inject/injection-settings.ts";

export type InjectionPlace = Partial<Pick<InjectionSettings, "clusterId" | "network" | "environment">>;

const fieldsByWord: Readonly<Record<string, "clusterId" | "network">> = {
  cluster: "clusterId",
  net: "network",
};

const VARIABLE = /^[A-Z][A-Z0-9_]*$/;
const SEPARATOR = ":ENV:";

/** What the path says and the settings don't; undefined where it isn't a path of injection. */
export function injectionPlace(path: string): InjectionPlace | undefined {
  const match = /^\/inject(?:\/(.*?))?\/?$/s.exec(path);
  const pairs = match === null ? undefined : pairsOf(match[1] ?? "");
  if (pairs === undefined) return undefined;
  const place: { clusterId?: string; network?: string; environment?: Record<string, string> } = {};
  for (const [word, value] of pairs) {
    const field = Object.hasOwn(fieldsByWord, word) ? fieldsByWord[word] : undefined;
    const variable = word.toUpperCase();
    if (field === undefined && !VARIABLE.test(variable)) return undefined;
    if (field === undefined) place.environment = { ...place.environment, [variable]: value };
    else if (place[field] !== undefined) return undefined;
    else place[field] = value;
  }
  return place;
}

/** Undefined where a word has no value. */
function pairsOf(rest: string): readonly (readonly [word: string, value: string])[] | undefined {
  if (rest === "") return [];
  const pairs = rest.startsWith(SEPARATOR) ? assignments(rest) : segments(rest);
  const decoded = pairs.map(([word, value]) => [decode(word), decode(value)] as const);
  return decoded.every((pair): pair is readonly [string, string] => pair.every((part) => part))
    ? decoded
    : undefined;
}

function assignments(rest: string): [string, string][] {
  return rest
    .slice(SEPARATOR.length)
    .split(SEPARATOR)
    .map((pair) => {
      const [word = "", ...value] = pair.split("=");
      return [word, value.join("=")];
    });
}

function segments(rest: string): [string, string][] {
  const parts = rest.split("/");
  const words = parts.filter((_, index) => index % 2 === 0);
  return words.map((word, index) => [word, parts[2 * index + 1] ?? ""]);
}

/** A slash in a name is written `%2F`, or as Istio's paths have it, `--slash--`. */
function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part).replaceAll("--slash--", "/");
  } catch {
    return undefined;
  }
}
