// Random policies, and random calls that they are likely to speak of. The same seed makes the same ones.

import type {
  AuthorizationCondition,
  AuthorizationOperation,
  AuthorizationRule,
  AuthorizationSource,
} from "../../../src/kinds/authorization-policy/authorization-policy-spec.ts";
import { ALLOWING_HEADER, DENIED_SOURCE } from "./authorizers.ts";
import type { Call } from "./call.ts";
import { IDENTITIES } from "./credentials.ts";
import type { Place } from "./enforcing-envoy.ts";
import type { CallPart, Written } from "./policy-set.ts";

/** In [0, 1). */
export type Random = () => number;

/** mulberry32 */
export function randomOf(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// Values that meet: each list of patterns speaks of what calls say.
const PRINCIPALS = [
  ...["corp/ns/shop/sa/web", "old/ns/shop/sa/web", "cluster.local/ns/admin/sa/root.api", "*"],
  ...["corp/ns/shop*", "*/sa/web", "*/ns/shop/sa/web", "foreign/*", "corp/ns/nobody/sa/x"],
];
const NAMESPACES = ["shop", "shop*", "*dev", "admin", "*", "s*p"];
const SERVICE_ACCOUNTS = ["web", "shop-dev/web", "admin/root.api", "nobody"];
const TRUST_DOMAINS = ["corp", "old", "foreign", "*o*", "for*"];
const PEER_BLOCKS = ["127.2.0.1", "127.2.0.0/30", "127.2.0.2/31", "10.0.0.0/8", "::1"];
const CLIENT_BLOCKS = ["203.0.113.7", "203.0.113.0/24", "2001:db8::/32", "198.51.100.0/24"];
const REQUEST_PRINCIPALS = [
  "https://idp.example/realm/alice",
  "https://idp.example/realm/*",
  "*",
  "*/bob",
  "pla*",
  "plain/bob",
];
const HOSTS = ["shop.example", "SHOP.*", "*.example", "*", "a.b", "a.*"];
const METHODS = ["GET", "P*", "*T", "*", "DELETE"];
const PATHS = [
  ...["/", "/a", "/a/*", "*/c", "*", "/a/b/c", "*.txt"],
  ...["/a/{*}", "/a/{*}/c", "/{**}/c", "/a/{**}", "/{*}/{*}"],
];
const SERVER_NAMES = ["a.example", "*.example", "b*", "*"];
const HEADER_VALUES = ["a", "a*", "*z", "*"];
const CLAIM_VALUES = ["ops", "o*", "*v", "*", "it", "3"];
const AUDIENCES = ["shop", "api", "a*", "x"];

const CALL_PATHS = ["/", "/a", "/a?c", "/a/", "/a/b", "/a/b/c", "/x/c", "/x/y/c?a", "/t.txt", "/a/t.txt"];
const TOKENS: readonly Call["claims"][] = [
  undefined,
  {
    iss: "https://idp.example/realm",
    sub: "alice",
    aud: ["shop", "api"],
    azp: "app",
    groups: ["dev", "ops"],
  },
  { iss: "plain", sub: "bob", aud: "shop", groups: "ops", org: { unit: "it" } },
  { iss: "https://other.example", sub: "eve", aud: "x", groups: [], level: 3, org: { unit: ["it", "hr"] } },
];

export function randomPolicies(random: Random, place: Place): readonly Written[] {
  return Array.from({ length: 1 + below(random, 4) }, () => randomPolicy(random, place));
}

function randomPolicy(random: Random, place: Place): Written {
  const action = pick(random, ["ALLOW", "ALLOW", "ALLOW", "DENY", "DENY", "CUSTOM", "AUDIT"] as const);
  const rules = Array.from({ length: below(random, 4) }, () => randomRule(random, place));
  return {
    ...(action === "ALLOW" && oneIn(random, 2) ? {} : { action }),
    ...(action === "CUSTOM" ? { provider: { name: pick(random, ["ask-http", "ask-grpc", "nobody"]) } } : {}),
    ...(rules.length === 0 && oneIn(random, 2) ? {} : { rules }),
    ...(oneIn(random, 8) ? { isDryRun: true } : {}),
  };
}

function randomRule(random: Random, place: Place): AuthorizationRule {
  const some = <T>(make: () => T, most: number) => Array.from({ length: below(random, most + 1) }, make);
  const from = some(() => ({ source: randomSource(random) }), 2);
  const to = some(() => ({ operation: randomOperation(random, place) }), 2);
  const when = oneIn(random, 2) ? [] : some(() => randomCondition(random, place), 2);
  return {
    ...(from.length > 0 ? { from } : {}),
    ...(to.length > 0 ? { to } : {}),
    ...(when.length > 0 ? { when } : {}),
  };
}

function randomSource(random: Random): AuthorizationSource {
  const accounts: Readonly<Record<string, readonly string[]>> = oneIn(random, 4)
    ? { serviceAccounts: SERVICE_ACCOUNTS }
    : { principals: PRINCIPALS, namespaces: NAMESPACES };
  return someOf(random, {
    ...accounts,
    requestPrincipals: REQUEST_PRINCIPALS,
    trustDomains: TRUST_DOMAINS,
    ipBlocks: PEER_BLOCKS,
    remoteIpBlocks: CLIENT_BLOCKS,
  });
}

function randomOperation(random: Random, place: Place): AuthorizationOperation {
  return someOf(random, { hosts: HOSTS, methods: METHODS, paths: PATHS, ports: portsOf(place) });
}

function randomCondition(random: Random, place: Place): AuthorizationCondition {
  const keys: readonly (readonly [string, readonly string[]])[] = [
    ["source.ip", PEER_BLOCKS],
    ["remote.ip", CLIENT_BLOCKS],
    ["source.namespace", NAMESPACES],
    ["source.principal", PRINCIPALS],
    ["source.serviceAccount", SERVICE_ACCOUNTS],
    ["request.auth.principal", REQUEST_PRINCIPALS],
    ["request.auth.audiences", AUDIENCES],
    ["request.auth.presenter", ["app", "a*", "*"]],
    ["request.auth.claims[groups]", CLAIM_VALUES],
    ["request.auth.claims[org][unit]", CLAIM_VALUES],
    ["request.auth.claims[level]", CLAIM_VALUES],
    ["request.headers[X-One]", HEADER_VALUES],
    ["destination.ip", [place.addresses[0], "127.78.0.0/16", "10.0.0.0/8"]],
    ["destination.port", portsOf(place)],
    ["connection.sni", SERVER_NAMES],
    ["experimental.envoy.filters.test[zone]", ["eu-1", "eu*", "us*"]],
    ["experimental.envoy.filters.test[tags]", ["[blue]", "[gr*]", "[red]", "blue"]],
  ];
  const [key, values] = pick(random, keys);
  const { chosen, notChosen } = someOf(random, { chosen: values });
  return {
    key,
    ...(chosen === undefined ? {} : { values: chosen }),
    ...(notChosen === undefined ? {} : { notValues: notChosen }),
  };
}

function portsOf({ httpPorts, tcpPort }: Place): readonly string[] {
  return [...httpPorts, tcpPort, 1].map(String);
}

/** Some of the fields, or of their negations `notX`, with some of their values; never none. */
function someOf(
  random: Random,
  values: Readonly<Record<string, readonly string[]>>,
): Record<string, readonly string[]> {
  const fields = Object.entries(values);
  const found: Record<string, readonly string[]> = {};
  for (const [field, all] of fields) {
    const few = () => [...new Set([pick(random, all), pick(random, all)])];
    if (oneIn(random, fields.length)) found[field] = few();
    if (oneIn(random, 4 * fields.length))
      found[`not${field[0]?.toUpperCase()}${field.slice(1)}`] = [pick(random, all)];
  }
  if (Object.keys(found).length > 0) return found;
  const [field, all] = pick(random, fields);
  return { [field]: [pick(random, all)] };
}

export function randomCall(random: Random): CallPart {
  const claims = oneIn(random, 2) ? undefined : pick(random, TOKENS);
  const at = pick(random, [undefined, undefined, "second address", "second port"] as const);
  const headers: Record<string, string> = {};
  if (oneIn(random, 2)) headers["x-one"] = pick(random, ["a", "az", "b", ""]);
  if (!oneIn(random, 3)) headers[ALLOWING_HEADER.http] = "yes";
  if (!oneIn(random, 3)) headers[ALLOWING_HEADER.grpc] = "yes";
  return {
    transport: oneIn(random, 6) ? "tcp" : "http",
    identity: pick(random, [...IDENTITIES, IDENTITIES[0], "other", "none"] as const),
    sourceAddress: pick(random, ["127.2.0.1", "127.2.0.2", DENIED_SOURCE, "127.2.0.9"]),
    remoteAddress: pick(random, ["203.0.113.7", "203.0.113.8", "2001:db8::1", "192.0.2.1"]),
    serverName: pick(random, ["", "a.example", "b.example", "bc"]),
    method: pick(random, ["GET", "GET", "POST", "PUT", "DELETE"]),
    path: pick(random, CALL_PATHS),
    host: pick(random, ["shop.example", "Shop.Example", "a.b", "x"]),
    headers,
    ...(claims === undefined ? {} : { claims }),
    ...(at === undefined ? {} : { at }),
  };
}

function pick<T>(random: Random, list: readonly T[]): T {
  return list[below(random, list.length)] as T;
}

function below(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}

function oneIn(random: Random, count: number): boolean {
  return below(random, count) === 0;
}
