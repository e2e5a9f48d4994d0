// Answers without an upstream: redirects and direct responses.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RedirectActionSchema } from "../../gen/envoy/config/route/v3/route_components_pb.ts";
import { RedirectAction_RedirectResponseCode } from "../../gen/envoy/config/route/v3/route_components_pb.ts";
import { claims } from "../../kinds/claims.ts";
import type { HttpBody, HttpRedirect } from "../../kinds/virtual-service/http-route.ts";
import { virtualServiceKind } from "../../kinds/virtual-service/virtual-service.ts";
import type { RouteFeature } from "./route-feature.ts";

type RedirectActionInit = MessageInitShape<typeof RedirectActionSchema>;

// Istio's way to keep what follows the matched prefix.
const PREFIX_PLACEHOLDER = "%PREFIX()%";

const RESPONSE_CODES: Readonly<Record<number, RedirectAction_RedirectResponseCode>> = {
  301: RedirectAction_RedirectResponseCode.MOVED_PERMANENTLY,
  302: RedirectAction_RedirectResponseCode.FOUND,
  303: RedirectAction_RedirectResponseCode.SEE_OTHER,
  307: RedirectAction_RedirectResponseCode.TEMPORARY_REDIRECT,
  308: RedirectAction_RedirectResponseCode.PERMANENT_REDIRECT,
};

export const redirectFeature: RouteFeature = {
  fields: claims(virtualServiceKind, "spec.http[].redirect", [
    "uri",
    "authority",
    "port",
    "derivePort",
    "scheme",
    "redirectCode",
    "prefixRewrite",
  ]),
  apply({ rule, requestPort }, draft) {
    if (rule?.redirect === undefined) return;
    draft.route.action = { case: "redirect", value: buildRedirect(rule.redirect, requestPort) };
  },
};

export const directResponseFeature: RouteFeature = {
  fields: claims(virtualServiceKind, "spec.http[].directResponse", ["status", "body.string", "body.bytes"]),
  apply({ rule }, draft) {
    if (rule?.directResponse === undefined) return;
    const { status, body } = rule.directResponse;
    draft.route.action = {
      case: "directResponse",
      value: { status, ...(body === undefined ? {} : { body: { specifier: bodySpecifier(body) } }) },
    };
  },
};

function buildRedirect(redirect: HttpRedirect, requestPort: number | undefined): RedirectActionInit {
  // Without a port Envoy leaves it to the protocol: FROM_PROTOCOL_DEFAULT. It can't take it from the request by itself.
  const port = redirect.port ?? requestPort;
  return {
    ...(redirect.authority === undefined ? {} : { hostRedirect: redirect.authority }),
    ...(port === undefined ? {} : { portRedirect: port }),
    ...(redirect.scheme === undefined
      ? {}
      : { schemeRewriteSpecifier: { case: "schemeRedirect" as const, value: redirect.scheme } }),
    ...pathRewrite(redirect),
    responseCode:
      RESPONSE_CODES[redirect.redirectCode ?? 301] ?? RedirectAction_RedirectResponseCode.MOVED_PERMANENTLY,
  };
}

function pathRewrite({ uri, prefixRewrite }: HttpRedirect): Pick<RedirectActionInit, "pathRewriteSpecifier"> {
  if (uri?.startsWith(PREFIX_PLACEHOLDER)) {
    const value = uri.slice(PREFIX_PLACEHOLDER.length);
    return { pathRewriteSpecifier: { case: "prefixRewrite", value } };
  }
  if (uri !== undefined && uri !== "") return { pathRewriteSpecifier: { case: "pathRedirect", value: uri } };
  if (prefixRewrite !== undefined)
    return { pathRewriteSpecifier: { case: "prefixRewrite", value: prefixRewrite } };
  return {};
}

function bodySpecifier(body: HttpBody) {
  if (body.bytes !== undefined) {
    return { case: "inlineBytes" as const, value: new Uint8Array(Buffer.from(body.bytes, "base64")) };
  }
  return { case: "inlineString" as const, value: body.string ?? "" };
}
