// An issuer's keys from where they are: at a URL, or where the issuer's OpenID Connect discovery says.

import type { Clock } from "../core/clock.ts";
import { type DocumentOptions, FetchFailure, fetchDocument } from "./fetch-document.ts";
import { parseJson, parsePublicKeySet } from "./public-key-set.ts";

export type FetchedKeys =
  | { readonly kind: "keys"; readonly jwks: string }
  | { readonly kind: "failed"; readonly reason: string };

export interface FetchKeysOptions extends Omit<DocumentOptions, "signal"> {
  readonly clock: Clock;
}

/** `location` is `jwks URL` or `discovery ISSUER`; each request may take as long as `timeoutMs`. */
export async function fetchKeys(
  location: string,
  { timeoutMs, signal, ...options }: FetchKeysOptions & { timeoutMs: number; signal: AbortSignal },
): Promise<FetchedKeys> {
  const fetch = (url: string) => fetchInTime(url, { ...options, signal }, timeoutMs);
  try {
    const url = location.slice(location.indexOf(" ") + 1);
    const jwksUrl = location.startsWith("discovery ") ? await discover(url, fetch) : url;
    const parsed = parsePublicKeySet(await fetch(jwksUrl));
    return parsed.kind === "keys" ? parsed : { kind: "failed", reason: parsed.reason };
  } catch (error) {
    if (error instanceof FetchFailure) return { kind: "failed", reason: error.message };
    throw error;
  }
}

async function fetchInTime(
  url: string,
  options: DocumentOptions & { readonly clock: Clock },
  timeoutMs: number,
): Promise<string> {
  const deadline = new AbortController();
  const cancel = options.clock.after(timeoutMs, () => deadline.abort());
  const signal = AbortSignal.any([options.signal, deadline.signal]);
  try {
    return await fetchDocument(url, { ...options, signal });
  } finally {
    cancel();
  }
}

/** OpenID Connect Discovery 1.0, section 4. */
async function discover(issuer: string, fetch: (url: string) => Promise<string>): Promise<string> {
  if (!/^https?:\/\//.test(issuer))
    throw new FetchFailure(`"${issuer}" isn't a URL, so its keys can't be discovered: set jwksUri or jwks`);
  const document = parseJson(await fetch(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`));
  const { jwks_uri: jwksUri } = (document ?? {}) as { readonly jwks_uri?: unknown };
  if (typeof jwksUri !== "string") throw new FetchFailure("the issuer's discovery document has no jwks_uri");
  return jwksUri;
}
