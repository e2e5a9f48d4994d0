// Whether one line of a rule holds for a call: one of `values`, and none of `notValues`.

import { BlockList, isIPv6 } from "node:net";
import type {
  AuthorizationCondition,
  AuthorizationOperation,
  AuthorizationRule,
  AuthorizationSource,
} from "../../../src/kinds/authorization-policy/authorization-policy-spec.ts";
import { type Call, type Claim, FILTER_METADATA, type Identity } from "./call.ts";
import { globMatches, patternMatches, templateMatches } from "./patterns.ts";

export interface Scope {
  readonly call: Call;
  readonly trustDomains: readonly string[];
  /** The policy's. */
  readonly namespace: string;
}

type Values = readonly string[] | undefined;
type Matches = (value: string, scope: Scope) => boolean;

interface Attribute {
  readonly matches: Matches;
  /** Only a request has it. */
  readonly isOfHttp?: boolean;
}

const byIdentity = (matches: (identity: Identity, value: string, scope: Scope) => boolean): Attribute => ({
  matches: (value, scope) =>
    typeof scope.call.identity === "object" && matches(scope.call.identity, value, scope),
});

const principal: Attribute = { matches: principalMatches };
const trustDomain = byIdentity((identity, value, { trustDomains }) =>
  [value, ...(trustDomains.includes(value) ? trustDomains : [])].some((each) =>
    globMatches(each, identity.trustDomain),
  ),
);
const namespace = byIdentity((identity, value) => globMatches(value, identity.namespace));
const serviceAccount = byIdentity((identity, value, { namespace: own }) => {
  const wanted = value.includes("/") ? value : `${own}/${value}`;
  return wanted === `${identity.namespace}/${identity.serviceAccount}`;
});
const sourceAddress: Attribute = { matches: (value, { call }) => isWithin(call.sourceAddress, value) };
const remoteAddress: Attribute = {
  matches: (value, { call }) =>
    isWithin(call.transport === "http" ? call.remoteAddress : call.sourceAddress, value),
};
const requestPrincipal: Attribute = {
  isOfHttp: true,
  matches: (value, { call: { claims } }) => requestPrincipalMatches(value, claims?.iss, claims?.sub),
};
const host: Attribute = {
  isOfHttp: true,
  matches: (value, { call }) => patternMatches(value.toLowerCase(), call.host.toLowerCase()),
};
const method: Attribute = {
  isOfHttp: true,
  matches: (value, { call }) => patternMatches(value, call.method),
};
const path: Attribute = {
  isOfHttp: true,
  matches(value, { call }) {
    const [withoutQuery = ""] = call.path.split("?", 1);
    return value.includes("{") ? templateMatches(value, withoutQuery) : patternMatches(value, withoutQuery);
  },
};
const port: Attribute = { matches: (value, { call }) => Number(value) === call.destinationPort };

type Line = readonly [Values, Values, Attribute];

function linesOfSource(source: AuthorizationSource): readonly Line[] {
  return [
    [source.principals, source.notPrincipals, principal],
    [source.trustDomains, source.notTrustDomains, trustDomain],
    [source.namespaces, source.notNamespaces, namespace],
    [source.serviceAccounts, source.notServiceAccounts, serviceAccount],
    [source.ipBlocks, source.notIpBlocks, sourceAddress],
    [source.remoteIpBlocks, source.notRemoteIpBlocks, remoteAddress],
    [source.requestPrincipals, source.notRequestPrincipals, requestPrincipal],
  ];
}

function linesOfOperation(operation: AuthorizationOperation): readonly Line[] {
  return [
    [operation.hosts, operation.notHosts, host],
    [operation.methods, operation.notMethods, method],
    [operation.paths, operation.notPaths, path],
    [operation.ports, operation.notPorts, port],
  ];
}

export function sourceHolds(source: AuthorizationSource, scope: Scope): boolean {
  return linesOfSource(source).every((line) => holds(line, scope));
}

export function operationHolds(operation: AuthorizationOperation, scope: Scope): boolean {
  return linesOfOperation(operation).every((line) => holds(line, scope));
}

export function conditionHolds({ key, values, notValues }: AuthorizationCondition, scope: Scope): boolean {
  return holds([values, notValues, attributeOf(key)], scope);
}

/** Whether all that the rule asks can be known of the call. */
export function isSayable({ from = [], to = [], when = [] }: AuthorizationRule, { call }: Scope): boolean {
  const lines: readonly Line[] = [
    ...from.flatMap(({ source = {} }) => linesOfSource(source)),
    ...to.flatMap(({ operation = {} }) => linesOfOperation(operation)),
    ...when.map(({ key, values, notValues }): Line => [values, notValues, attributeOf(key)]),
  ];
  return call.transport === "http" || lines.every((line) => isEmpty(line) || line[2].isOfHttp !== true);
}

function isEmpty([values = [], notValues = []]: Line): boolean {
  return values.length + notValues.length === 0;
}

function holds([values = [], notValues = [], attribute]: Line, scope: Scope): boolean {
  if (attribute.isOfHttp === true && scope.call.transport === "tcp") return true;
  const isOne = (value: string) => attribute.matches(value, scope);
  return (values.length === 0 || values.some(isOne)) && !notValues.some(isOne);
}

function attributeOf(key: string): Attribute {
  const known = ATTRIBUTES[key];
  if (known !== undefined) return known;
  const [name = "", ...keys] = key.replaceAll("]", "").split("[");
  if (name === "request.headers") return header(keys[0] ?? "");
  if (name === "request.auth.claims") return claim(keys);
  return filterMetadata(name.replace("experimental.", ""), keys[0] ?? "");
}

const ATTRIBUTES: Readonly<Record<string, Attribute>> = {
  "source.ip": sourceAddress,
  "remote.ip": remoteAddress,
  "source.namespace": namespace,
  "source.principal": principal,
  "source.serviceAccount": serviceAccount,
  "source.trustDomain": trustDomain,
  "request.auth.principal": requestPrincipal,
  "request.auth.audiences": claim(["aud"]),
  "request.auth.presenter": claim(["azp"]),
  "destination.ip": { matches: (value, { call }) => isWithin(call.destinationAddress, value) },
  "destination.port": port,
  "connection.sni": { matches: (value, { call }) => patternMatches(value, call.serverName) },
};

function header(name: string): Attribute {
  return {
    isOfHttp: true,
    matches(value, { call }) {
      const found = call.headers[name.toLowerCase()];
      return found !== undefined && (value === "*" || patternMatches(value, found));
    },
  };
}

function claim(keys: readonly string[]): Attribute {
  return { isOfHttp: true, matches: (value, { call }) => claimMatches(value, memberAt(call.claims, keys)) };
}

/** `[x]` is an element of a list. A connection has no metadata, but a rule may ask for it. */
function filterMetadata(filter: string, key: string): Attribute {
  return {
    matches(value, { call }) {
      const found = call.transport === "http" ? FILTER_METADATA[filter]?.[key] : undefined;
      const element = /^\[(.*)\]$/.exec(value)?.[1];
      if (element === undefined) return typeof found === "string" && patternMatches(value, found);
      return Array.isArray(found) && found.some((each) => patternMatches(element, String(each)));
    },
  };
}

function memberAt(claims: Claim | undefined, keys: readonly string[]): Claim | undefined {
  let found = claims;
  for (const key of keys) {
    if (typeof found !== "object" || Array.isArray(found)) return undefined;
    found = (found as Readonly<Record<string, Claim>>)[key];
  }
  return found;
}

/** Text, or a list that holds such a text. */
function claimMatches(value: string, found: Claim | undefined): boolean {
  const all = Array.isArray(found) ? (found as readonly Claim[]) : [found];
  return all.some((each) => typeof each === "string" && patternMatches(value, each));
}

function isWithin(address: string, range: string): boolean {
  const [base = "", bits] = range.split("/");
  const family = isIPv6(base) ? "ipv6" : "ipv4";
  const list = new BlockList();
  list.addSubnet(base, bits === undefined ? (family === "ipv6" ? 128 : 32) : Number(bits), family);
  return list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

/** A principal of one of the mesh's trust domains is one of them all. */
function principalMatches(value: string, { call: { identity }, trustDomains }: Scope): boolean {
  if (identity === "none") return false;
  if (value === "*") return true;
  if (identity === "other") return false;
  const rest = `ns/${identity.namespace}/sa/${identity.serviceAccount}`;
  if (patternMatches(value, `${identity.trustDomain}/${rest}`) && !isOwnName(value, trustDomains))
    return true;
  const [domain = "", ...parts] = value.split("/");
  const isOfMesh =
    domain === "cluster.local" || trustDomains.some((each) => domain !== "*" && patternMatches(domain, each));
  if (parts.length !== 4 || !isOfMesh || !trustDomains.includes(identity.trustDomain)) return false;
  return patternMatches(parts.join("/"), rest);
}

/** `cluster.local` means the mesh's own trust domain, even where that has another name. */
function isOwnName(value: string, trustDomains: readonly string[]): boolean {
  return (
    value.split("/").length === 5 &&
    value.startsWith("cluster.local/") &&
    !trustDomains.includes("cluster.local")
  );
}

function requestPrincipalMatches(
  value: string,
  issuer: Claim | undefined,
  subject: Claim | undefined,
): boolean {
  if (typeof issuer !== "string" || typeof subject !== "string") return false;
  if (value === "*") return issuer !== "" && subject !== "";
  const slash = value.lastIndexOf("/");
  if (slash >= 0) {
    return patternMatches(value.slice(0, slash), issuer) && patternMatches(value.slice(slash + 1), subject);
  }
  if (value.startsWith("*")) return issuer !== "" && patternMatches(value, subject);
  if (value.endsWith("*")) return subject !== "" && patternMatches(value, issuer);
  return issuer === value && subject === "";
}
