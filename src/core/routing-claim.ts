// `@request.auth.claims…`, which stands for a header in a route's match and means a claim of the request's token.

const PREFIX = "@request.auth.claims";

/**
 * `["group", "id"]` for `@request.auth.claims[group][id]`, or with dots: `@request.auth.claims.group.id`. Undefined for a
 * header's name, and for what is neither.
 */
export function routingClaim(headerName: string): readonly string[] | undefined {
  if (!headerName.toLowerCase().startsWith(PREFIX)) return undefined;
  const rest = headerName.slice(PREFIX.length);
  if (/^\..+/.test(rest)) return rest.slice(1).split(".");
  return /^\[.+\]$/.test(rest) ? rest.slice(1, -1).split("][") : undefined;
}
