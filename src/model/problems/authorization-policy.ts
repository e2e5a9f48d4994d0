// AuthorizationPolicies that do less than they say, or more: a provider that can't be asked, parts of HTTP for
// connections that aren't, and callers and workloads that don't exist.

import { addressRegex } from "../../core/address-regex.ts";
import { matchesLabels } from "../../core/label-selector.ts";
import type { Problem } from "../../core/problem.ts";
import type { AuthorizationPolicy } from "../../kinds/authorization-policy/authorization-policy.ts";
import type {
  AuthorizationRule,
  AuthorizationSource,
} from "../../kinds/authorization-policy/authorization-policy-spec.ts";
import type { MeshService } from "../service.ts";
import { rowKey } from "../sources.ts";
import { type CheckContext, problemAt, quoted } from "./check.ts";
import { rowsFor } from "./namespaced-rows.ts";
import { isOfConnections, labelKey } from "./problem-indexes.ts";

export function* checkAuthorizationProvider(
  object: AuthorizationPolicy,
  context: CheckContext,
): Iterable<Problem> {
  const { settings } = context;
  const { action, provider } = object.spec ?? {};
  const name = provider?.name ?? "";
  if (action !== "CUSTOM" || name === "") return;
  const found = settings.extensionProviders.find((each) => each.name === name);
  if (found?.envoyExtAuthzHttp !== undefined) yield* checkUnaskedConnections(object, name, context);
  if (found?.envoyExtAuthzHttp !== undefined || found?.envoyExtAuthzGrpc !== undefined) return;
  const known = settings.extensionProviders
    .filter(
      ({ envoyExtAuthzHttp, envoyExtAuthzGrpc }) => (envoyExtAuthzHttp ?? envoyExtAuthzGrpc) !== undefined,
    )
    .map((each) => each.name ?? "");
  yield problemAt(object, "spec.provider.name", {
    code: "MLT2026",
    message: `Nobody can be asked: MeshConfig.extensionProviders ${found === undefined ? "has no" : "has another use for"} "${name}", so every request that a rule matches is refused`,
    hint: `providers of authorization: ${quoted(known)}`,
  });
}

/** As in Istio, who is asked by HTTP has no say on connections that aren't HTTP. */
function* checkUnaskedConnections(
  object: AuthorizationPolicy,
  provider: string,
  context: CheckContext,
): Iterable<Problem> {
  const ports = connectionPortsOf(object, context);
  for (const [index, rule] of (object.spec?.rules ?? []).entries()) {
    const port = firstPortFor(rule, ports);
    if (port === undefined) continue;
    yield problemAt(object, `spec.rules[${index}]`, {
      code: "MLT2033",
      message: `Port ${port.number} of ${port.host} is ${port.protocol}, and "${provider}" is asked by HTTP, so connections to it pass without being asked about`,
      hint: "use a provider that is asked by gRPC, or close the port by a policy of the action DENY",
    });
  }
}

/** Connections have none of it: a rule that allows then allows none of them, and any other takes all of them. */
export function* checkHttpFieldsOfConnections(
  object: AuthorizationPolicy,
  context: CheckContext,
): Iterable<Problem> {
  const { action = "ALLOW", rules = [] } = object.spec ?? {};
  let ports: ConnectionPorts | undefined;
  for (const [index, rule] of rules.entries()) {
    const path = httpFieldOf(rule);
    if (path === undefined) continue;
    ports ??= connectionPortsOf(object, context);
    const port = firstPortFor(rule, ports);
    if (port === undefined) continue;
    const effect = action === "ALLOW" ? "lets no connection to it in" : verbs[action];
    yield problemAt(object, `spec.rules[${index}].${path}`, {
      code: "MLT2027",
      message: `Port ${port.number} of ${port.host} is ${port.protocol}, of which this can't be known, so the rule ${effect}`,
      hint: `name the HTTP ports that the rule is for in to[].operation.ports`,
    });
  }
}

const verbs = {
  DENY: "refuses every connection to it that matches the rest",
  AUDIT: "logs every connection to it that matches the rest",
  CUSTOM: "asks for every connection to it that matches the rest",
} as const;

/** The first part of the rule that only HTTP has, as a path in it. */
function httpFieldOf({ from = [], to = [], when = [] }: AuthorizationRule): string | undefined {
  for (const [index, { operation = {} }] of to.entries()) {
    for (const field of ["hosts", "notHosts", "methods", "notMethods", "paths", "notPaths"] as const)
      if ((operation[field] ?? []).length > 0) return `to[${index}].operation.${field}`;
  }
  for (const [index, { source = {} }] of from.entries()) {
    for (const field of ["requestPrincipals", "notRequestPrincipals"] as const)
      if ((source[field] ?? []).length > 0) return `from[${index}].source.${field}`;
  }
  const condition = when.findIndex(({ key }) => key.startsWith("request."));
  return condition === -1 ? undefined : `when[${condition}].key`;
}

interface ConnectionPort {
  readonly number: number;
  readonly protocol: string;
  readonly host: string;
}

/** By number, as policies write it. */
type ConnectionPorts = ReadonlyMap<string, ConnectionPort>;

/** Of the services that may lead to the policy's workloads, what isn't HTTP. */
function connectionPortsOf(object: AuthorizationPolicy, context: CheckContext): ConnectionPorts {
  const { selector, targetRef, targetRefs = [] } = object.spec ?? {};
  const found = new Map<string, ConnectionPort>();
  if (targetRef !== undefined || targetRefs.length > 0) return found;
  const labels = selector?.matchLabels ?? {};
  for (const [, service] of rowsFor(object, context.indexes.connectionServices, context)) {
    const ofService = Object.entries(service.selector ?? {});
    if (ofService.some(([key, value]) => (labels[key] ?? value) !== value)) continue;
    const ports = service.ports
      .filter(isOfConnections)
      .map(({ targetPort, number, protocol }) => ({
        number: targetPort ?? number,
        protocol,
        host: service.hostname,
      }))
      .filter(({ number }) => !found.has(String(number)));
    if (ports.length === 0 || leadsToGateway(service, context)) continue;
    for (const port of ports) found.set(String(port.number), port);
  }
  return found;
}

/** Looks at as many ports as the rule names: there may be very many rules, and very many ports. */
function firstPortFor({ to = [] }: AuthorizationRule, all: ConnectionPorts): ConnectionPort | undefined {
  const operations = to.length === 0 ? [{}] : to.map(({ operation = {} }) => operation);
  for (const { ports = [], notPorts = [] } of operations) {
    const named = ports.length > 0 ? ports : firstBut(notPorts, all);
    const found = named.map((port) => all.get(port)).find((port) => port !== undefined);
    if (found !== undefined) return found;
  }
  return undefined;
}

function firstBut(excluded: readonly string[], all: ConnectionPorts): readonly string[] {
  for (const number of all.keys()) if (!excluded.includes(number)) return [number];
  return [];
}

/** What a gateway speaks on a port is its Gateways' to say: mostly HTTP, behind TLS that ends there. */
function leadsToGateway(
  { namespace, selector = {} }: MeshService,
  { read, indexes }: Pick<CheckContext, "read" | "indexes">,
): boolean {
  const [first] = Object.entries(selector);
  if (first === undefined) return false;
  return read
    .find(indexes.workloadsByLabel, labelKey(first))
    .some(
      ([, pod]) =>
        pod.namespace === namespace && pod.proxyKind === "router" && matchesLabels(selector, pod.labels),
    );
}

/** Callers by their exact names alone. They may be yet to come. */
export function* checkPrincipals(object: AuthorizationPolicy, context: CheckContext): Iterable<Problem> {
  for (const [ruleIndex, { from = [] }] of (object.spec?.rules ?? []).entries()) {
    for (const [index, { source = {} }] of from.entries()) {
      for (const { field, at, namespace, name } of accountsIn(source, object, context)) {
        if (context.read.find(context.model.workloads.byAccount, rowKey(namespace, name)).length > 0)
          continue;
        yield problemAt(object, `spec.rules[${ruleIndex}].from[${index}].source.${field}[${at}]`, {
          code: "MLT2028",
          message: `No pod runs as ServiceAccount "${name}" in namespace "${namespace}", so this names nobody`,
        });
      }
    }
  }
}

function* accountsIn(
  { principals = [], serviceAccounts = [] }: AuthorizationSource,
  { metadata }: AuthorizationPolicy,
  { settings }: CheckContext,
) {
  const domains = [settings.trustDomain, ...settings.trustDomainAliases];
  for (const [at, principal] of principals.entries()) {
    const [, domain = "", namespace = "", name = ""] =
      /^([^/*]+)\/ns\/([^/*]+)\/sa\/([^/*]+)$/.exec(principal) ?? [];
    if (domains.includes(domain)) yield { field: "principals", at, namespace, name };
  }
  for (const [at, account] of serviceAccounts.entries()) {
    if (account.includes("*")) continue;
    const [first = "", second] = account.split("/");
    const [namespace, name] = second === undefined ? [metadata.namespace, first] : [first, second];
    yield { field: "serviceAccounts", at, namespace, name };
  }
}

export function* checkPolicySelector(
  object: AuthorizationPolicy,
  { read, indexes, settings }: CheckContext,
): Iterable<Problem> {
  const labels = object.spec?.selector?.matchLabels ?? {};
  const [first] = Object.entries(labels);
  if (first === undefined) return;
  const { namespace } = object.metadata;
  const isEverywhere = namespace === settings.rootNamespace;
  const found = read
    .find(indexes.workloadsByLabel, labelKey(first))
    .some(([, each]) => (isEverywhere || each.namespace === namespace) && matchesLabels(labels, each.labels));
  if (found) return;
  yield problemAt(object, "spec.selector.matchLabels", {
    code: "MLT2029",
    message: `No pod${isEverywhere ? "" : ` in namespace "${namespace}"`} has the labels ${quoted(Object.entries(labels).map(labelKey))}, so the policy is for none`,
  });
}

/** Who connects is let in or not before the server may speak, by a means that doesn't know every range. */
export function* checkRanges(object: AuthorizationPolicy): Iterable<Problem> {
  for (const { path, value } of rangesIn(object)) {
    if (addressRegex(value) !== undefined) continue;
    yield problemAt(object, path, {
      code: "MLT2030",
      message: `On ports that aren't HTTP it can't be told who is in ${value}, so nobody is let in by it, and nobody past it`,
      hint: "ranges of IPv6 can be told there whose length is a multiple of 16, without a group of zeros",
    });
  }
}

function* rangesIn({ spec = {} }: AuthorizationPolicy) {
  for (const [rule, { from = [], when = [] }] of (spec.rules ?? []).entries()) {
    for (const [index, { source = {} }] of from.entries()) {
      for (const field of ["ipBlocks", "notIpBlocks", "remoteIpBlocks", "notRemoteIpBlocks"] as const) {
        const path = `spec.rules[${rule}].from[${index}].source.${field}`;
        for (const [at, value] of (source[field] ?? []).entries()) yield { path: `${path}[${at}]`, value };
      }
    }
    for (const [index, { key, values = [], notValues = [] }] of when.entries()) {
      if (!["source.ip", "remote.ip", "destination.ip"].includes(key)) continue;
      const path = `spec.rules[${rule}].when[${index}]`;
      for (const [at, value] of values.entries()) yield { path: `${path}.values[${at}]`, value };
      for (const [at, value] of notValues.entries()) yield { path: `${path}.notValues[${at}]`, value };
    }
  }
}
