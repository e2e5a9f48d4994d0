// What a client's error detail tells: which resources of the response it names. It is the client's own text: it is cut,
// freed of control characters, and never taken for anything but a hint about what this client was sent.

// Envoy names each bad listener or cluster with its reason.
const MAX_DETAIL_LENGTH = 4_096;

/** One line of bounded length, safe to print on a terminal. */
export function readErrorDetail(text: string): string {
  const cut = text.length > MAX_DETAIL_LENGTH ? `${text.slice(0, MAX_DETAIL_LENGTH - 1)}…` : text;
  return cut.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, " ").trim();
}

/** Of some resources, those that the detail names: `8080` doesn't name `80`. */
export function namedIn<Named extends { readonly name: string }>(
  detail: string,
  resources: readonly Named[],
): readonly Named[] {
  return resources.filter(({ name }) => isNamedIn(detail, name));
}

/** Envoy says so of clusters and listeners that it could decode, all in one response: it has taken the others. */
export function isAfterDecoding(detail: string): boolean {
  return detail.startsWith("Error adding/updating ");
}

function isNamedIn(detail: string, name: string): boolean {
  if (name === "") return false;
  for (let at = detail.indexOf(name); at >= 0; at = detail.indexOf(name, at + 1)) {
    if (isBoundary(detail, at - 1, -1) && isBoundary(detail, at + name.length, 1)) return true;
  }
  return false;
}

const PUNCTUATION = new Set([..." \t\n'\"`,;:()<>="]);

/** Names go on through dots, bars and brackets; a dot that ends a sentence ends a name. */
function isBoundary(detail: string, at: number, direction: -1 | 1): boolean {
  const character = detail[at];
  if (character === undefined || PUNCTUATION.has(character)) return true;
  if (character !== "." || direction < 0) return false;
  const next = detail[at + 1];
  return next === undefined || next === " ";
}
