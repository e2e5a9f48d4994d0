// The patterns of policies, as the documentation of Istio says what they match.

/** `exact`, `prefix*`, `*suffix`, and `*` for anything that isn't empty. */
export function patternMatches(pattern: string, text: string): boolean {
  if (pattern === "*") return text !== "";
  if (pattern.startsWith("*")) return text.endsWith(pattern.slice(1));
  if (pattern.endsWith("*")) return text.startsWith(pattern.slice(0, -1));
  return pattern === text;
}

/** A star anywhere is any text. */
export function globMatches(pattern: string, text: string): boolean {
  const [head = "", ...parts] = pattern.split("*");
  const last = parts.pop();
  if (last === undefined) return head === text;
  if (!text.startsWith(head)) return false;
  let at = head.length;
  for (const part of parts) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}

/** `{*}` is one segment, `{**}` any number of characters, of which slashes are some. */
export function templateMatches(template: string, path: string): boolean {
  const [head = "", wildcard, rest = ""] = parts(template);
  if (wildcard === undefined) return template === path;
  if (!path.startsWith(head)) return false;
  const candidates = path.slice(head.length);
  const [least, most] =
    wildcard === "{**}" ? [0, candidates.length] : [1, /^[^/]*/.exec(candidates)?.[0].length ?? 0];
  for (let length = most; length >= least; length -= 1) {
    if (templateMatches(rest, candidates.slice(length))) return true;
  }
  return false;
}

function parts(template: string): readonly (string | undefined)[] {
  const found = /\{\*\*?\}/.exec(template);
  if (found === null) return [template];
  return [template.slice(0, found.index), found[0], template.slice(found.index + found[0].length)];
}
