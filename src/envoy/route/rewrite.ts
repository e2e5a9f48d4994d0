// What the upstream sees instead of the path and authority that the client sent.

import { claims } from "../../kinds/claims.ts";
import { virtualServiceKind } from "../../kinds/virtual-service/virtual-service.ts";
import type { RouteFeature } from "./route-feature.ts";

export const rewriteFeature: RouteFeature = {
  fields: claims(virtualServiceKind, "spec.http[].rewrite", [
    "uri",
    "authority",
    "uriRegexRewrite.match",
    "uriRegexRewrite.rewrite",
  ]),
  apply({ rule, match }, draft) {
    const rewrite = rule?.rewrite;
    if (rewrite === undefined) return;
    if (rewrite.authority !== undefined) {
      draft.action.hostRewriteSpecifier = { case: "hostRewriteLiteral", value: rewrite.authority };
    }
    if (rewrite.uriRegexRewrite !== undefined) {
      draft.action.regexRewrite = {
        pattern: { regex: rewrite.uriRegexRewrite.match ?? "" },
        substitution: rewrite.uriRegexRewrite.rewrite ?? "",
      };
    } else if (rewrite.uri !== undefined) {
      Object.assign(draft.action, rewriteOfPrefix(match?.uri?.prefix, rewrite.uri));
    }
  },
};

/**
 * `/api/` rewritten to `/`: both end in a slash, so Envoy's plain replacement is right. `/api` rewritten to `/` would
 * turn `/api/books` into `//books`, so there the slash after the prefix is taken with it.
 */
function rewriteOfPrefix(prefix: string | undefined, uri: string) {
  if (uri === "/" && prefix !== undefined && prefix !== "/" && !prefix.endsWith("/")) {
    return { regexRewrite: { pattern: { regex: `^${escapeRegex(prefix)}(/?)(.*)` }, substitution: "/\\2" } };
  }
  return { prefixRewrite: uri };
}

function escapeRegex(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
