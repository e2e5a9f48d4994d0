// Where a provider of Envoy's jwt_authn looks for tokens, and what it finds there.

import type { JwtProvider } from "../gen/envoy/extensions/filters/http/jwt_authn/v3/config_pb.ts";

/** Of a request whose headers are known. `path` has its query. */
export interface TokenSource {
  readonly headers: ReadonlyMap<string, string>;
  readonly path: string;
}

export interface FoundToken {
  readonly text: string;
  /** The header that holds it. */
  readonly header?: string;
}

export function findTokens(provider: JwtProvider, source: TokenSource): readonly FoundToken[] {
  const { fromHeaders, fromParams, fromCookies } = provider;
  const isDefault = fromHeaders.length + fromParams.length + fromCookies.length === 0;
  const headers = isDefault ? [{ name: "authorization", valuePrefix: "Bearer " }] : fromHeaders;
  return [
    ...headers.flatMap((header) => inHeader(header, source)),
    ...(isDefault ? ["access_token"] : fromParams).flatMap((name) => inQuery(name, source)),
    ...fromCookies.flatMap((name) => inCookie(name, source)),
  ];
}

function inHeader(
  { name, valuePrefix }: { readonly name: string; readonly valuePrefix: string },
  { headers }: TokenSource,
): readonly FoundToken[] {
  const header = name.toLowerCase();
  const value = headers.get(header);
  if (value === undefined || value === "") return [];
  const at = value.indexOf(valuePrefix);
  if (at === -1) return [];
  const after = value.slice(at + valuePrefix.length);
  const start = valuePrefix === "" ? 0 : after.search(/[A-Za-z0-9_.-]/);
  return [{ text: start === -1 ? value : after.slice(start), header }];
}

function inQuery(name: string, { path }: TokenSource): readonly FoundToken[] {
  const query = /\?([^#]*)/.exec(path)?.[1];
  const text = query === undefined ? null : new URLSearchParams(query).get(name);
  return text === null ? [] : [{ text }];
}

function inCookie(name: string, { headers }: TokenSource): readonly FoundToken[] {
  const cookies = (headers.get("cookie") ?? "").split(";").map((cookie) => cookie.trim());
  const found = cookies.find((cookie) => cookie.startsWith(`${name}=`));
  return found === undefined ? [] : [{ text: found.slice(name.length + 1).replace(/^"(.*)"$/, "$1") }];
}
