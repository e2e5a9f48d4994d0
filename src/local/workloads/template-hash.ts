// Names that a controller derives rather than draws: the same template gives the same pod names in every run,
// so a restarted mesh finds its pods' IPs again.

import { createHash } from "node:crypto";

// Kubernetes' alphabet for generated names: no vowels, so no words; none of 0, 1, 3, which look like letters.
const NAME_ALPHABET = "bcdfghjklmnpqrstvwxz2456789";

/** Ten letters that name the meaning of `template`; the order of its keys doesn't matter. */
export function templateHash(template: unknown): string {
  return lettersOf(stableJson(template), 10);
}

/** Five letters for the `index`-th replica of a workload and template. */
export function replicaSuffix(workloadKey: string, hash: string, index: number): string {
  return lettersOf(`${workloadKey}/${hash}/${index}`, 5);
}

/** JSON with sorted keys and without undefined values. */
export function stableJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(stableJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${stableJson(field)}`);
  return `{${fields.join(",")}}`;
}

function lettersOf(text: string, count: number): string {
  const digest = createHash("sha256").update(text).digest();
  let letters = "";
  for (const byte of digest.subarray(0, count)) letters += NAME_ALPHABET[byte % NAME_ALPHABET.length];
  return letters;
}
