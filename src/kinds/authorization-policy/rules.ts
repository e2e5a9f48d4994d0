// What an AuthorizationPolicy's schema can't say: which parts exclude each other, and when it allows or denies all.

import { childPath } from "../../core/field-path.ts";
import type { ObjectMeta } from "../object-meta.ts";
import type { Findings } from "../value-rules.ts";
import { checkIpOrRange } from "../value-rules.ts";
import type {
  AuthorizationOperation,
  AuthorizationPolicySpec,
  AuthorizationRule,
  AuthorizationSource,
} from "./authorization-policy-spec.ts";
import { CLOSE_CONNECTIONS } from "./close-connections.ts";
import { checkConditionKey } from "./condition-key.ts";
import { checkConditionValues, checkPortText, checkValues } from "./condition-rules.ts";
import { DRY_RUN, isBooleanText } from "./dry-run.ts";
import { EXPLAIN_DENIALS, unknownExplainingProxies } from "./explain-denials.ts";
import { isPathTemplate, pathTemplateFault } from "./path-template.ts";
import { checkTokenRules } from "./token-rules.ts";

interface AuthorizationPolicyLike {
  readonly metadata?: ObjectMeta;
  readonly spec?: AuthorizationPolicySpec;
}

export function* authorizationPolicyRules({ metadata, spec = {} }: AuthorizationPolicyLike): Findings {
  const { action = "ALLOW", provider, rules = [] } = spec;
  if (action === "CUSTOM" && (provider?.name ?? "") === "")
    yield { code: "MLT1006", path: "spec.provider.name", message: "the action CUSTOM needs a provider" };
  if (action !== "CUSTOM" && provider !== undefined)
    yield { path: "spec.provider", message: `a provider is only for the action CUSTOM, found ${action}` };
  for (const [index, rule] of rules.entries()) yield* checkRule(`spec.rules[${index}]`, rule);
  if (action === "DENY" && rules.length === 0)
    yield {
      code: "MLT1006",
      path: "spec.rules",
      message: "a DENY without rules denies nothing",
      hint: "the rule {} denies everything",
    };
  if (action === "CUSTOM") yield* checkTokenRules(rules);
  yield* checkDryRun(metadata, action);
  yield* checkBooleans(metadata);
  yield* checkExplainDenials(metadata);
}

function* checkExplainDenials(metadata: ObjectMeta | undefined): Findings {
  for (const word of unknownExplainingProxies(metadata?.annotations?.[EXPLAIN_DENIALS] ?? "sidecars"))
    yield {
      severity: "warning",
      path: childPath("metadata.annotations", EXPLAIN_DENIALS),
      message: `found "${word}", wanted "sidecars", "gateways" or both, with a comma between them; it explains nothing`,
    };
}

function* checkBooleans(metadata: ObjectMeta | undefined): Findings {
  for (const [annotation, otherwise] of Object.entries(OTHERWISE)) {
    const value = metadata?.annotations?.[annotation];
    if (value === undefined || isBooleanText(value)) continue;
    yield {
      severity: "warning",
      path: childPath("metadata.annotations", annotation),
      message: `found "${value}", wanted "true" or "false"; ${otherwise}`,
    };
  }
}

/** What holds where the annotation says nothing that can be read. */
const OTHERWISE = {
  [CLOSE_CONNECTIONS]: "a change of the policy closes no connection",
};

function* checkDryRun(metadata: ObjectMeta | undefined, action: string): Findings {
  const value = metadata?.annotations?.[DRY_RUN];
  if (value === undefined) return;
  const path = childPath("metadata.annotations", DRY_RUN);
  if (!isBooleanText(value)) yield { path, message: `found "${value}", wanted "true" or "false"` };
  else if (action !== "ALLOW" && action !== "DENY")
    yield { path, message: `only ALLOW and DENY can be a dry run, found the action ${action}` };
}

function* checkRule(path: string, rule: AuthorizationRule): Findings {
  const { from = [], to = [], when = [] } = rule;
  for (const field of ["from", "to"] as const) {
    if (rule[field]?.length === 0)
      yield {
        path: `${path}.${field}`,
        message: "the list is empty, which would match everything",
        hint: `leave out "${field}" if that is meant`,
      };
  }
  for (const [index, { source }] of from.entries()) {
    const place = `${path}.from[${index}].source`;
    if (source === undefined || Object.keys(source).length === 0)
      yield { path: place, message: "a source needs at least one field" };
    else yield* checkSource(place, source);
  }
  for (const [index, { operation }] of to.entries()) {
    const place = `${path}.to[${index}].operation`;
    if (operation === undefined || Object.keys(operation).length === 0)
      yield { path: place, message: "an operation needs at least one field" };
    else yield* checkOperation(place, operation);
  }
  for (const [index, { key, values = [], notValues = [] }] of when.entries()) {
    const place = `${path}.when[${index}]`;
    if (key === "") yield { code: "MLT1006", path: `${place}.key`, message: "a condition needs a key" };
    else yield* checkConditionKey(`${place}.key`, key);
    if (key === "source.principal") {
      yield* checkPrincipals(`${place}.values`, values);
      yield* checkPrincipals(`${place}.notValues`, notValues);
    }
    if (values.length + notValues.length === 0)
      yield { path: place, message: "a condition needs values or notValues" };
    yield* checkConditionValues(place, { key, values, notValues });
  }
}

function* checkOperation(path: string, operation: AuthorizationOperation): Findings {
  for (const [name, values] of Object.entries(operation)) yield* checkValues(`${path}.${name}`, values);
  for (const name of ["ports", "notPorts"] as const) {
    for (const [index, port] of (operation[name] ?? []).entries())
      yield* checkPortText(`${path}.${name}[${index}]`, port);
  }
  for (const name of ["paths", "notPaths"] as const) {
    for (const [index, value] of (operation[name] ?? []).entries()) {
      const fault = isPathTemplate(value) ? pathTemplateFault(value) : undefined;
      if (fault !== undefined)
        yield { path: `${path}.${name}[${index}]`, message: `"${value}" can't be a template: ${fault}` };
    }
  }
}

function* checkSource(path: string, source: AuthorizationSource): Findings {
  const { namespaces, notNamespaces, notPrincipals, principals, serviceAccounts, notServiceAccounts } =
    source;
  const other = [namespaces, notNamespaces, principals, notPrincipals].some((each) => each !== undefined);
  if (other && (serviceAccounts ?? notServiceAccounts) !== undefined)
    yield {
      path: `${path}.serviceAccounts`,
      message: "service accounts can't go with namespaces or principals",
    };
  yield* checkPrincipals(`${path}.principals`, principals);
  yield* checkPrincipals(`${path}.notPrincipals`, notPrincipals);
  for (const [name, values] of Object.entries(source)) yield* checkValues(`${path}.${name}`, values);
  for (const name of ["ipBlocks", "notIpBlocks", "remoteIpBlocks", "notRemoteIpBlocks"] as const) {
    for (const [index, block] of (source[name] ?? []).entries())
      yield* checkIpOrRange(`${path}.${name}[${index}]`, block);
  }
}

const SPIFFE = "spiffe://";

function* checkPrincipals(path: string, principals: readonly string[] = []): Findings {
  for (const [index, principal] of principals.entries()) {
    if (!principal.startsWith(SPIFFE)) continue;
    yield {
      severity: "warning",
      path: `${path}[${index}]`,
      message: `principals are written without "${SPIFFE}", so "${principal}" names nobody`,
      hint: `write "${principal.slice(SPIFFE.length)}"`,
    };
  }
}
