// Reads what kubelet writes of a pod's labels or annotations into a file: one `key="value"` a line, quoted as Go does.

/** Lines that can't be read are left out: the file is kubelet's, and the rest is worth having. */
export function parseDownwardFile(text: string): Readonly<Record<string, string>> {
  const pairs: [string, string][] = [];
  for (const line of text.split("\n")) {
    const split = line.indexOf("=");
    const value = split < 0 ? undefined : unquote(line.slice(split + 1));
    if (value !== undefined) pairs.push([line.slice(0, split), value]);
  }
  return Object.fromEntries(pairs);
}

/** Go's escapes beyond JSON's: `\x1b`, `\a`, `\v` and `\U0001f600`. */
function unquote(quoted: string): string | undefined {
  const asJson = quoted.replaceAll(
    /\\(?:x([\da-f]{2})|U([\da-f]{8})|([av])|.)/gi,
    (all, byte, rune, letter) => {
      if (byte !== undefined) return `\\u00${byte}`;
      if (rune !== undefined) return String.fromCodePoint(Number.parseInt(rune, 16));
      if (letter !== undefined) return letter === "a" ? "\\u0007" : "\\u000b";
      return all;
    },
  );
  try {
    const value: unknown = JSON.parse(asJson);
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}
