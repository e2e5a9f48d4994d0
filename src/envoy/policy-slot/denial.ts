// How a refusal is told in the access log: in the words of Envoy's RBAC filter, also where another means refuses, and with
// the policy where Envoy leaves it out. Where each text is found, for formats of the access log and of headers.

/** Of a response or connection that RBAC refused. */
export const RBAC_DENIAL = "rbac_access_denied_matched_policy";

/** `rule`: its name, or "none" where no rule of ALLOW policies matches. */
export function rbacDenial(rule: string): string {
  return `${RBAC_DENIAL}[${rule}]`;
}

/** Of a connection that wasn't forwarded, the filter state that says why. */
export const CONNECTION_DENIAL = "meltemi.authorization.denial";

/** Of a request, in CEL. */
export const RESPONSE_DETAILS = "response.code_details";

/** How rules of CUSTOM policies say that they match. */
export const EXT_AUTHZ_STAT_PREFIX = "istio_ext_authz_";

/** In CEL: the rule by which a provider was asked, such as `istio-ext-authz-NAME-ns[shop]-policy[web]-rule[0]`. */
export const ASKING_RULE = `metadata.filter_metadata['envoy.filters.http.rbac']['${EXT_AUTHZ_STAT_PREFIX}shadow_effective_policy_id']`;

/** In CEL: the groups of a regular expression's first match in a text, put into another; both as CEL escapes them. */
export function celExtract(text: string, regex: string, replacement: string): string {
  return `re.extract(${text}, '${regex}', '${replacement}')`;
}
