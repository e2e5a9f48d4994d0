// Where the payload of a valid token is in dynamic metadata, for those that decide by claims. Istio's names: EnvoyFilters
// and authorization policies know them.

/** Of the filter, and so of its metadata's namespace. */
export const JWT_FILTER = "envoy.filters.http.jwt_authn";

/** The key of the payload, a Struct of claims. */
export const JWT_PAYLOAD = "payload";

/** Before the reason, in braces, in the details of a response that refuses a token. */
export const JWT_DENIAL = "jwt_authn_access_denied";
