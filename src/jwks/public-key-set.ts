// A JSON Web Key Set as it is handed on: the public keys of the document that was fetched and nothing else, in an order
// of their own, so that the same keys are the same bytes however they were written.

/** Members of RFC 7517 and 7518 that verify; a private key's others never go further. */
const publicMembers = ["kty", "use", "key_ops", "alg", "kid", "n", "e", "crv", "x", "y"] as const;
/** A symmetric key (`oct`) at a URL would let each of its readers sign. */
const verifiableTypes: ReadonlySet<unknown> = new Set(["RSA", "EC", "OKP"]);
const MAX_BYTES = 64 * 1024;

export type ParsedKeySet =
  | { readonly kind: "keys"; readonly jwks: string }
  | { readonly kind: "unusable"; readonly reason: string };

export function parsePublicKeySet(text: string): ParsedKeySet {
  const document = parseJson(text);
  const { keys } = (document ?? {}) as { readonly keys?: unknown };
  if (!Array.isArray(keys)) return { kind: "unusable", reason: "the answer isn't a JSON Web Key Set" };
  const usable = keys.flatMap((key: unknown) => publicKey(key) ?? []);
  if (usable.length === 0) return { kind: "unusable", reason: "the answer holds no public key" };
  const jwks = `{"keys":[${[...new Set(usable)].sort().join(",")}]}`;
  if (jwks.length > MAX_BYTES)
    return { kind: "unusable", reason: `the keys take more than ${MAX_BYTES / 1024} KiB` };
  return { kind: "keys", jwks };
}

/** As JSON, with members in one order. */
function publicKey(key: unknown): string | undefined {
  if (typeof key !== "object" || key === null) return undefined;
  const values = key as Readonly<Record<string, unknown>>;
  if (!verifiableTypes.has(values.kty)) return undefined;
  return JSON.stringify(
    Object.fromEntries(publicMembers.flatMap((name) => (name in values ? [[name, values[name]]] : []))),
  );
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
