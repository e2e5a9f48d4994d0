// The route of a request at a gateway, chosen as Envoy chooses it: the virtual host of its host, then the first of its routes
// that matches. Claims of the request's token are known by then.

import { createRegistry, fromJson, type JsonValue } from "@bufbuild/protobuf";
import {
  type QueryParameterMatcher,
  type RouteMatch,
  RouteMatchSchema,
} from "../gen/envoy/config/route/v3/route_components_pb.ts";
import { UriTemplateMatchConfigSchema } from "../gen/envoy/extensions/path/match/uri_template/v3/uri_template_match_pb.ts";
import type { HttpRequest, SeenCall } from "./call.ts";
import { matchesHeader } from "./header-matching.ts";
import { matchesMetadata } from "./metadata-matching.ts";
import { matchesTemplate, withoutQuery } from "./path-matching.ts";
import type { ReceivedRoute, ReceivedRoutes } from "./received-config.ts";
import { matchesRegex, matchesText } from "./string-matching.ts";
import { allOf, isOpen, type Open, ofFact, open, type Truth } from "./truth.ts";

export type FoundRoute =
  /** `from`: what it was made of. */
  | { readonly kind: "route"; readonly from: string | undefined }
  | { readonly kind: "no-route" }
  | { readonly kind: "redirect" };

/** Undefined where the request's host or path isn't known: then no route is asked for. */
export function findRoute(
  routes: ReceivedRoutes,
  call: SeenCall,
  { isTls }: { readonly isTls: boolean },
): FoundRoute | Open | undefined {
  const { request } = call;
  if (request?.authority === undefined || request.path === undefined) return undefined;
  const host = virtualHostOf(routes, request.authority.known);
  if (host === undefined) return { kind: "no-route" };
  if (!isTls && ["ALL", "EXTERNAL_ONLY"].includes(host.require_tls ?? "")) return { kind: "redirect" };
  for (const route of host.routes ?? []) {
    const truth = matchesRoute(route, call);
    if (isOpen(truth)) return truth;
    if (truth) return { kind: "route", from: provenanceOf(route) };
  }
  return { kind: "no-route" };
}

type VirtualHost = NonNullable<ReceivedRoutes["virtual_hosts"]>[number];

/** The name itself, then the longest wildcard in front, the longest at the end, then `*`. */
function virtualHostOf(
  { virtual_hosts: hosts = [], ignore_port_in_host_matching: ignoresPort = false }: ReceivedRoutes,
  authority: string,
): VirtualHost | undefined {
  const written = authority.toLowerCase();
  const name = ignoresPort ? written.replace(/:\d+$/, "") : written;
  let best: { readonly host: VirtualHost; readonly rank: number } | undefined;
  for (const host of hosts) {
    for (const domain of host.domains ?? []) {
      const rank = rankOf(domain.toLowerCase(), name);
      if (rank > (best?.rank ?? 0)) best = { host, rank };
    }
  }
  return best?.host;
}

const EXACT = 3_000_000;
const IN_FRONT = 2_000_000;
const AT_END = 1_000_000;

/** 0: it doesn't match. Names are shorter than a million. */
function rankOf(domain: string, name: string): number {
  if (domain === "*") return 1;
  if (domain.startsWith("*")) {
    const isMatch = name.length >= domain.length && name.endsWith(domain.slice(1));
    return isMatch ? IN_FRONT + domain.length : 0;
  }
  if (domain.endsWith("*")) {
    const isMatch = name.length >= domain.length && name.startsWith(domain.slice(0, -1));
    return isMatch ? AT_END + domain.length : 0;
  }
  return domain === name ? EXACT : 0;
}

const registry = createRegistry(UriTemplateMatchConfigSchema);

function matchesRoute({ match = {} }: ReceivedRoute, { request, metadata }: SeenCall): Truth {
  if (request === undefined) return false;
  const options = { registry, ignoreUnknownFields: true };
  const wanted = fromJson(RouteMatchSchema, match as JsonValue, options);
  return allOf([
    matchesPathOf(wanted, request),
    ...wanted.headers.map((each) => matchesHeader(each, request)),
    ...wanted.queryParameters.map((each) => matchesParameter(each, request)),
    ...wanted.dynamicMetadata.map((each) => matchesMetadata(each, metadata)),
    ...(wanted.runtimeFraction === undefined ? [] : [open("chance")]),
    ...(wanted.cookies.length + wanted.filterState.length === 0
      ? []
      : [open("what else the route looks at")]),
  ]);
}

function matchesPathOf({ pathSpecifier, caseSensitive }: RouteMatch, request: HttpRequest): Truth {
  const fold = (text: string) => (caseSensitive === false ? text.toLowerCase() : text);
  return ofFact(request.path, "the path", (target) => {
    const path = fold(withoutQuery(target));
    switch (pathSpecifier.case) {
      case "prefix":
        return path.startsWith(fold(pathSpecifier.value));
      case "path":
        return path === fold(pathSpecifier.value);
      case "pathSeparatedPrefix": {
        const prefix = fold(pathSpecifier.value);
        return path === prefix || path.startsWith(`${prefix}/`);
      }
      case "safeRegex":
        return matchesRegex(pathSpecifier.value.regex, withoutQuery(target));
      case "pathMatchPolicy":
        return matchesTemplate(pathSpecifier.value.typedConfig, request);
      case "connectMatcher":
        return ofFact(request.method, "the method", (method) => method === "CONNECT");
      default:
        return open("what else the route looks at");
    }
  });
}

function matchesParameter(
  { name, queryParameterMatchSpecifier: matcher }: QueryParameterMatcher,
  { path }: HttpRequest,
): Truth {
  return ofFact(path, "the path", (target) => {
    const query = /\?([^#]*)/.exec(target)?.[1] ?? "";
    const value = new URLSearchParams(query).get(name) ?? undefined;
    if (matcher.case === "stringMatch") return value !== undefined && matchesText(matcher.value, value);
    return (value !== undefined) === (matcher.case === "presentMatch" ? matcher.value : true);
  });
}

function provenanceOf({ metadata }: ReceivedRoute): string | undefined {
  const from = metadata?.filter_metadata?.meltemi?.from;
  return typeof from === "string" ? from : undefined;
}
