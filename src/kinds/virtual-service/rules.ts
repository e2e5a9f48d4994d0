// What a VirtualService's schema can't say: hosts, gateways, delegates, and which parts go together.

import { isIpAddress } from "../../core/cidr.ts";
import { createHostnameSet, firstOverlaps, type HostnameSet } from "../../core/hostname-overlaps.ts";
import type { Finding } from "../define-kind.ts";
import type { ObjectMeta } from "../object-meta.ts";
import type { TypeOf } from "../schema.ts";
import type { Findings } from "../value-rules.ts";
import { checkExportTo, checkIpOrRange, checkPort, checkWildcardHostname } from "../value-rules.ts";
import type { RouteDestination } from "./destination.ts";
import { checkDestination, checkWeights } from "./destination-rules.ts";
import { checkGateways } from "./gateway-name-rules.ts";
import type { HttpRoute } from "./http-route.ts";
import { checkHttpRoute } from "./http-rules.ts";
import type { L4MatchAttributes, TlsMatchAttributes } from "./matching.ts";
import { checkClaims } from "./matching-rules.ts";
import type { virtualServiceSpec } from "./virtual-service-spec.ts";

interface VirtualServiceLike {
  readonly metadata: ObjectMeta & { readonly namespace: string };
  readonly spec: TypeOf<typeof virtualServiceSpec>;
}

export function* virtualServiceRules({ metadata, spec }: VirtualServiceLike): Findings {
  const isDelegate = (spec.hosts ?? []).length === 0;
  if (isDelegate) yield* checkDelegate(spec);
  else yield* checkHosts(spec);
  yield* checkGateways("spec.gateways", spec.gateways);
  yield* checkExportTo(spec.exportTo, metadata);
  const { http = [], tls = [], tcp = [] } = spec;
  if (http.length + tls.length + tcp.length === 0 && !isDelegate) {
    yield { code: "MLT1006", path: "spec", message: "a VirtualService needs http, tls or tcp routes" };
  }
  for (const [index, route] of http.entries())
    yield* checkHttpRoute(`spec.http[${index}]`, route, { isDelegate });
  if (!isDelegate && !hasGateway(spec)) yield* checkMatchedClaims(http);
  yield* checkUnreachable("spec.http", http);
  const outer = { hosts: spec.hosts ?? [], set: createHostnameSet(spec.hosts ?? []) };
  for (const [index, route] of tls.entries()) {
    const path = `spec.tls[${index}]`;
    if (route.match.length === 0)
      yield { path: `${path}.match`, message: "a TLS route needs at least one match" };
    for (const [at, match] of route.match.entries())
      yield* checkTlsMatch(`${path}.match[${at}]`, match, outer);
    yield* checkRoutes(`${path}.route`, route.route, "TLS");
  }
  for (const [index, route] of tcp.entries()) {
    const path = `spec.tcp[${index}]`;
    for (const [at, match] of (route.match ?? []).entries())
      yield* checkConnectionMatch(`${path}.match[${at}]`, match);
    yield* checkRoutes(`${path}.route`, route.route, "TCP");
  }
  yield* checkUnreachable("spec.tcp", tcp);
}

function hasGateway({ gateways = [] }: VirtualServiceLike["spec"]): boolean {
  return gateways.some((gateway) => gateway !== "mesh");
}

function* checkMatchedClaims(http: readonly HttpRoute[]): Findings {
  for (const [index, { match = [] }] of http.entries()) {
    for (const [at, each] of match.entries()) yield* checkClaims(`spec.http[${index}].match[${at}]`, each);
  }
}

function* checkDelegate({ gateways = [], tcp = [], tls = [] }: VirtualServiceLike["spec"]): Findings {
  const message = "a VirtualService without hosts is a delegate, and may have http routes only";
  if (gateways.length > 0) yield { path: "spec.gateways", message };
  if (tcp.length > 0) yield { path: "spec.tcp", message };
  if (tls.length > 0) yield { path: "spec.tls", message };
}

function* checkHosts({ hosts = [], gateways = [] }: VirtualServiceLike["spec"]): Findings {
  const isInMesh = gateways.length === 0 || gateways.includes("mesh");
  const overlaps = firstOverlaps(hosts);
  for (const [index, host] of hosts.entries()) {
    const path = `spec.hosts[${index}]`;
    if (isIpAddress(host)) continue;
    yield* checkWildcardHostname(path, host);
    if (host === "*" && isInMesh) {
      const hint = "name the hosts, or bind it to a gateway only";
      yield { path, message: '"*" isn\'t allowed for the gateway "mesh", that is, for all sidecars', hint };
    }
    const twin = overlaps.get(index);
    if (twin !== undefined)
      yield { path, message: `"${host}" overlaps with "${hosts[twin]}", which stands before it` };
  }
}

/** A VirtualService may have more hosts than a message can name. */
const HOSTS_NAMED = 5;

interface OuterHosts {
  readonly hosts: readonly string[];
  readonly set: HostnameSet;
}

function* checkTlsMatch(path: string, match: TlsMatchAttributes, outer: OuterHosts): Findings {
  const { hosts } = outer;
  yield* checkConnectionMatch(path, match);
  if (match.sniHosts.length === 0)
    yield { path: `${path}.sniHosts`, message: "at least one SNI host is needed" };
  for (const [index, host] of match.sniHosts.entries()) {
    const place = `${path}.sniHosts[${index}]`;
    // Names of the form outbound_.80_.v1_.host come from gateways that pass TLS through.
    if (!/^outbound_\.\d+_\.[^.]*_?\./.test(host)) yield* checkWildcardHostname(place, host);
    if (outer.set.contains(host)) continue;
    const named = hosts.slice(0, HOSTS_NAMED).join(", ");
    const others = hosts.length > HOSTS_NAMED ? ` and ${hosts.length - HOSTS_NAMED} others` : "";
    yield { path: place, message: `"${host}" isn't within any of spec.hosts: ${named}${others}` };
  }
}

function* checkConnectionMatch(path: string, match: L4MatchAttributes | TlsMatchAttributes): Findings {
  for (const [index, subnet] of (match.destinationSubnets ?? []).entries()) {
    yield* checkIpOrRange(`${path}.destinationSubnets[${index}]`, subnet);
  }
  yield* checkPort(`${path}.port`, match.port);
  yield* checkGateways(`${path}.gateways`, match.gateways);
}

function* checkRoutes(path: string, routes: readonly RouteDestination[] | undefined, what: string): Findings {
  if (routes === undefined || routes.length === 0) {
    yield { code: "MLT1006", path, message: `a ${what} route needs a destination` };
    return;
  }
  for (const [index, { destination }] of routes.entries()) {
    yield* checkDestination(`${path}[${index}].destination`, destination);
  }
  yield* checkWeights(path, routes);
}

function* checkUnreachable(
  path: string,
  routes: readonly { readonly match?: readonly unknown[] }[],
): Iterable<Finding> {
  const catchAll = routes.findIndex(({ match = [] }) => match.length === 0);
  if (catchAll === -1 || catchAll === routes.length - 1) return;
  const message = `never reached, since ${path}[${catchAll}] has no match and takes everything`;
  yield { severity: "warning", path: `${path}[${catchAll + 1}]`, message };
}
