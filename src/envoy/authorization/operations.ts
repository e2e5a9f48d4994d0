// What a request is for, as Permissions of Envoy's RBAC: operations, and the conditions on what is asked.

import type { HeaderMatcherSchema } from "../../gen/envoy/config/route/v3/route_components_pb.ts";
import { UriTemplateMatchConfigSchema } from "../../gen/envoy/extensions/path/match/uri_template/v3/uri_template_match_pb.ts";
import { authorizationPolicyKind } from "../../kinds/authorization-policy/authorization-policy.ts";
import type { AuthorizationOperation } from "../../kinds/authorization-policy/authorization-policy-spec.ts";
import { isPathTemplate, pathTemplateFault } from "../../kinds/authorization-policy/path-template.ts";
import { type ClaimedField, claims } from "../../kinds/claims.ts";
import { type Plain, typedConfig } from "../encode.ts";
import { addressRange } from "./address-range.ts";
import { anyOf, type Clause, type PermissionInit, permissions, type Translate, together } from "./clause.ts";
import { filterMetadataMatcher } from "./metadata-matcher.ts";
import type { Transport } from "./rule-context.ts";
import { stringPattern } from "./string-pattern.ts";

type HeaderMatcherInit = Plain<typeof HeaderMatcherSchema>;

export const operationFields: readonly ClaimedField[] = claims(
  authorizationPolicyKind,
  "spec.rules[].to[].operation",
  ["hosts", "notHosts", "ports", "notPorts", "methods", "notMethods", "paths", "notPaths"],
);

export function operationClauses(
  operation: AuthorizationOperation,
  transport: Transport,
): readonly Clause<PermissionInit>[] {
  const { hosts = [], notHosts = [], methods = [], notMethods = [] } = operation;
  const { paths = [], notPaths = [], ports = [], notPorts = [] } = operation;
  const ofHttp = (matchOf: (value: string) => PermissionInit | undefined) =>
    anyOf(permissions, transport === "http" ? matchOf : () => undefined);
  return [
    { values: hosts, notValues: notHosts, translate: ofHttp(host) },
    { values: methods, notValues: notMethods, translate: ofHttp(method) },
    { values: paths, notValues: notPaths, translate: ofHttp(path) },
    { values: ports, notValues: notPorts, translate: anyOf(permissions, port) },
  ];
}

/** Of a condition on what is asked for; undefined where the key is of another kind. */
export function operationCondition(key: string): Translate<PermissionInit> | undefined {
  if (key === "destination.ip") return anyOf(permissions, destinationAddress);
  if (key === "destination.port") return anyOf(permissions, port);
  if (key === "connection.sni") return anyOf(permissions, serverName);
  if (!key.startsWith("experimental.envoy.filters.")) return undefined;
  return together((values) => {
    const value = filterMetadataMatcher(key, values);
    return value === undefined ? undefined : { rule: { case: "metadata", value } };
  });
}

/** `*` asks that the header is there. */
export function headerPattern(name: string, value: string): HeaderMatcherInit {
  return {
    name,
    headerMatchSpecifier:
      value === "*"
        ? { case: "presentMatch", value: true }
        : { case: "stringMatch", value: stringPattern(value) },
  };
}

function host(value: string): PermissionInit {
  const ignoringCase = { ...stringPattern(value), ignoreCase: true };
  const matcher: HeaderMatcherInit =
    value === "*"
      ? headerPattern(":authority", value)
      : { name: ":authority", headerMatchSpecifier: { case: "stringMatch", value: ignoringCase } };
  return { rule: { case: "header", value: matcher } };
}

function method(value: string): PermissionInit {
  return { rule: { case: "header", value: headerPattern(":method", value) } };
}

function path(value: string): PermissionInit | undefined {
  if (!isPathTemplate(value)) {
    return { rule: { case: "urlPath", value: { rule: { case: "path", value: stringPattern(value) } } } };
  }
  if (pathTemplateFault(value) !== undefined) return undefined;
  const pathTemplate = value.replaceAll("{*}", "*").replaceAll("{**}", "**");
  const config = typedConfig(UriTemplateMatchConfigSchema, { pathTemplate });
  return { rule: { case: "uriTemplate", value: { name: "uri-template", typedConfig: config } } };
}

function port(value: string): PermissionInit | undefined {
  const number = /^\d+$/.test(value) ? Number(value) : Number.POSITIVE_INFINITY;
  return number <= 65535 ? { rule: { case: "destinationPort", value: number } } : undefined;
}

function destinationAddress(value: string): PermissionInit | undefined {
  const range = addressRange(value);
  return range === undefined ? undefined : { rule: { case: "destinationIp", value: range } };
}

function serverName(value: string): PermissionInit {
  return { rule: { case: "requestedServerName", value: stringPattern(value) } };
}
