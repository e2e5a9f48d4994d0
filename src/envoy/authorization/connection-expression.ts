// The rules of a connection as one expression of CEL, which decides where RBAC would only decide once bytes flow. What
// can't be said is taken for what lets fewer in: a rule that denies then matches, and one that allows doesn't.

import { addressRegex } from "../../core/address-regex.ts";
import { RBAC_Action } from "../../gen/envoy/config/rbac/v3/rbac_pb.ts";
import { celString } from "../cel-string.ts";
import { rbacDenial } from "../policy-slot/denial.ts";
import type { RulesByAction } from "./actions.ts";
import type { PermissionInit, PrincipalInit } from "./clause.ts";
import type { RbacInit } from "./policies.ts";
import { quoteRegex, type StringMatcherInit } from "./string-pattern.ts";

/** A peer of mTLS has shown who it is; anybody else is nobody. */
export type Caller = "authenticated" | "anonymous";

export interface ConnectionExpression {
  readonly text: string;
  /** All rules are in it as they are written. */
  readonly isExact: boolean;
  /** Of a connection that isn't let in, by what: an expression whose value is a text. */
  readonly denial: string;
}

/** True for a connection that ALLOW and DENY let in; undefined where no policy decides. */
export function connectionExpression(
  { DENY, ALLOW }: Pick<RulesByAction, "DENY" | "ALLOW">,
  caller: Caller,
): ConnectionExpression | undefined {
  const deny = DENY?.rules;
  const allow = ALLOW?.rules;
  if (deny === undefined && allow === undefined) return undefined;
  const writer = new ExpressionWriter(caller);
  const denying = deny === undefined ? [] : writer.rules(deny);
  const parts = [
    ...(deny === undefined ? [] : [`!(${anyOf(denying.map(({ text }) => text))})`]),
    ...(allow === undefined ? [] : [`(${anyOf(writer.rules(allow).map(({ text }) => text))})`]),
  ];
  return { text: parts.join(" && "), isExact: writer.isExact, denial: denialOf(denying) };
}

interface NamedExpression {
  readonly name: string;
  readonly text: string;
}

/** The first rule that matches; that none does is told for what ALLOW doesn't let in. */
function denialOf(rules: readonly NamedExpression[]): string {
  const possible = rules.filter(({ text }) => text !== "false");
  return possible.reduceRight(
    (otherwise, { name, text }) =>
      text === "true"
        ? celString(rbacDenial(name))
        : `(${text}) ? ${celString(rbacDenial(name))} : ${otherwise}`,
    celString(rbacDenial("none")),
  );
}

interface AddressRange {
  readonly addressPrefix: string;
  readonly prefixLen: number;
}

/** `certain`: it must hold surely; `possible`: it must hold wherever it may. */
type Reading = "certain" | "possible";

const opposite = { certain: "possible", possible: "certain" } as const;

class ExpressionWriter {
  readonly #caller: Caller;
  isExact = true;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  rules({ action, policies = {} }: RbacInit): readonly NamedExpression[] {
    const reading = action === RBAC_Action.DENY ? "possible" : "certain";
    return Object.entries(policies).map(([name, { permissions = [], principals = [] }]) => ({
      name,
      text: allOf([
        anyOf(permissions.map((each) => this.#permission(each as PermissionInit, reading))),
        anyOf(principals.map((each) => this.#principal(each as PrincipalInit, reading))),
      ]),
    }));
  }

  #permission({ rule }: PermissionInit, reading: Reading): string {
    switch (rule?.case) {
      case "any":
        return String(rule.value);
      case "andRules":
        return allOf(
          (rule.value.rules ?? []).map((each) => this.#permission(each as PermissionInit, reading)),
        );
      case "orRules":
        return anyOf(
          (rule.value.rules ?? []).map((each) => this.#permission(each as PermissionInit, reading)),
        );
      case "notRule":
        return not(this.#permission(rule.value as PermissionInit, opposite[reading]));
      case "destinationPort":
        return `destination.port == ${rule.value}`;
      case "destinationIp":
        return this.#range("destination.address", rule.value as AddressRange, reading);
      case "requestedServerName":
        // Nobody names a server without TLS.
        if (this.#caller === "anonymous") return "false";
        return this.#text("connection.requested_server_name", rule.value as StringMatcherInit, reading);
      default:
        return this.#unknown(reading);
    }
  }

  #principal({ identifier }: PrincipalInit, reading: Reading): string {
    switch (identifier?.case) {
      case "any":
        return String(identifier.value);
      case "andIds":
        return allOf(
          (identifier.value.ids ?? []).map((each) => this.#principal(each as PrincipalInit, reading)),
        );
      case "orIds":
        return anyOf(
          (identifier.value.ids ?? []).map((each) => this.#principal(each as PrincipalInit, reading)),
        );
      case "notId":
        return not(this.#principal(identifier.value as PrincipalInit, opposite[reading]));
      case "authenticated": {
        if (this.#caller === "anonymous") return "false";
        const { principalName } = identifier.value;
        if (principalName === undefined) return "true";
        return this.#text("connection.uri_san_peer_certificate", principalName as StringMatcherInit, reading);
      }
      case "directRemoteIp":
      case "remoteIp":
        return this.#range("source.address", identifier.value as AddressRange, reading);
      default:
        return this.#unknown(reading);
    }
  }

  #range(attribute: string, { addressPrefix, prefixLen }: AddressRange, reading: Reading): string {
    const regex = addressRegex(`${addressPrefix}/${prefixLen}`);
    return regex === undefined ? this.#unknown(reading) : matches(attribute, regex);
  }

  #text(attribute: string, { matchPattern, ignoreCase }: StringMatcherInit, reading: Reading): string {
    if (ignoreCase === true) return this.#unknown(reading);
    switch (matchPattern?.case) {
      case "exact":
        return `${attribute} == ${celString(matchPattern.value)}`;
      case "prefix":
        return `${attribute}.startsWith(${celString(matchPattern.value)})`;
      case "suffix":
        return `${attribute}.endsWith(${celString(matchPattern.value)})`;
      case "contains":
        return matches(attribute, `.*${quoteRegex(matchPattern.value)}.*`);
      case "safeRegex":
        return matches(attribute, matchPattern.value.regex ?? "");
      default:
        return this.#unknown(reading);
    }
  }

  #unknown(reading: Reading): string {
    this.isExact = false;
    return String(reading === "possible");
  }
}

function allOf(parts: readonly string[]): string {
  const open = parts.filter((part) => part !== "true");
  if (open.includes("false")) return "false";
  return open.length === 0 ? "true" : open.map(inBrackets).join(" && ");
}

function anyOf(parts: readonly string[]): string {
  const open = parts.filter((part) => part !== "false");
  if (open.includes("true")) return "true";
  return open.length === 0 ? "false" : open.map(inBrackets).join(" || ");
}

function not(part: string): string {
  if (part === "true" || part === "false") return String(part === "false");
  return `!(${part})`;
}

function inBrackets(part: string, _at: number, parts: readonly string[]): string {
  return parts.length === 1 ? part : `(${part})`;
}

/** Of the whole text: CEL's own `matches` is content with a part. */
function matches(attribute: string, regex: string): string {
  return `${attribute}.matches(${celString(`^(?:${regex})$`)})`;
}
