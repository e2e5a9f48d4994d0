// Headers that a rule or one of its destinations sets, adds or removes, on requests and responses.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { HeaderValueOptionSchema } from "../../gen/envoy/config/core/v3/base_pb.ts";
import { HeaderValueOption_HeaderAppendAction } from "../../gen/envoy/config/core/v3/base_pb.ts";
import { claims } from "../../kinds/claims.ts";
import type { HeaderOperations, Headers } from "../../kinds/virtual-service/destination.ts";
import { virtualServiceKind } from "../../kinds/virtual-service/virtual-service.ts";
import type { RouteFeature } from "./route-feature.ts";

type HeaderValueOptionInit = MessageInitShape<typeof HeaderValueOptionSchema>;

export const headerOperationsFeature: RouteFeature = {
  fields: claims(virtualServiceKind, "spec.http[].headers", [
    "request.set.*",
    "request.add.*",
    "request.remove",
    "response.set.*",
    "response.add.*",
    "response.remove",
  ]),
  apply({ rule }, draft) {
    if (rule?.headers === undefined) return;
    Object.assign(draft.route, headerOperations(rule.headers));
    const authority = requestedAuthority(rule.headers);
    if (authority !== undefined)
      draft.action.hostRewriteSpecifier = { case: "hostRewriteLiteral", value: authority };
  },
};

/** The four lists that Envoy's routes and weighted clusters share. */
export function headerOperations(headers: Headers) {
  return {
    requestHeadersToAdd: headersToAdd(headers.request),
    requestHeadersToRemove: (headers.request?.remove ?? []).filter(isChangeable),
    responseHeadersToAdd: headersToAdd(headers.response),
    responseHeadersToRemove: (headers.response?.remove ?? []).filter(isChangeable),
  };
}

/** Envoy won't change `:authority` by a header operation: setting it is a rewrite of the host. */
export function requestedAuthority(headers: Headers | undefined): string | undefined {
  return Object.entries(headers?.request?.set ?? {}).find(([name]) => isAuthority(name))?.[1];
}

function headersToAdd(operations: HeaderOperations | undefined): HeaderValueOptionInit[] {
  const { APPEND_IF_EXISTS_OR_ADD, OVERWRITE_IF_EXISTS_OR_ADD } = HeaderValueOption_HeaderAppendAction;
  return [
    ...headerValues(operations?.set, OVERWRITE_IF_EXISTS_OR_ADD),
    ...headerValues(operations?.add, APPEND_IF_EXISTS_OR_ADD),
  ];
}

function headerValues(
  values: Readonly<Record<string, string>> | undefined,
  appendAction: HeaderValueOption_HeaderAppendAction,
): HeaderValueOptionInit[] {
  return Object.entries(values ?? {})
    .filter(([name]) => isChangeable(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => ({ header: { key, value }, appendAction }));
}

function isAuthority(name: string): boolean {
  return /^(:authority|host)$/i.test(name);
}

// Envoy refuses a whole route table for one operation on these.
function isChangeable(name: string): boolean {
  return !/^(:.*|host)$/i.test(name);
}
