// Checks tokens of end users: one `jwt_authn` filter for all policies of a workload, as Istio writes it. What a valid
// token says is left in dynamic metadata, where authorization and routes find it.

import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  JwtAuthenticationSchema,
  type JwtProviderSchema,
  type JwtRequirementSchema,
} from "../../gen/envoy/extensions/filters/http/jwt_authn/v3/config_pb.ts";
import { type ClaimedField, claims } from "../../kinds/claims.ts";
import { type JwtRule, requestAuthenticationKind } from "../../kinds/request-authentication.ts";
import type { AcceptedIssuer, RequestAuthenticationInputs } from "../../view/request-authentication.ts";
import { type TypedFilter, typedFilter } from "../typed-filter.ts";
import { JWT_FILTER, JWT_PAYLOAD } from "./jwt-metadata.ts";
import { UNUSABLE_JWKS } from "./unusable-jwks.ts";

type JwtProviderInit = MessageInitShape<typeof JwtProviderSchema>;
type JwtRequirementInit = MessageInitShape<typeof JwtRequirementSchema>;

export const requestAuthenticationFields: readonly ClaimedField[] = [
  ...claims(requestAuthenticationKind, "spec.jwtRules[]", [
    ...(["issuer", "audiences", "fromParams", "fromCookies", "presence"] as const),
    ...(["fromHeaders[].name", "fromHeaders[].prefix", "forwardOriginalToken"] as const),
    ...(["outputPayloadToHeader", "spaceDelimitedClaims"] as const),
    ...(["outputClaimToHeaders[].header", "outputClaimToHeaders[].claim"] as const),
  ]),
];

/** Empty where no issuer's tokens are accepted: then none is looked at. */
export function buildRequestAuthentication({
  issuers,
  isGateway,
}: RequestAuthenticationInputs): readonly TypedFilter[] {
  if (issuers.length === 0) return [];
  const named = issuers.map((issuer, index) => [`origins-${index}`, issuer] as const);
  const filter = typedFilter(JWT_FILTER, JwtAuthenticationSchema, {
    providers: Object.fromEntries(named.map(([name, issuer]) => [name, provider(issuer, isGateway)])),
    rules: [
      {
        match: { pathSpecifier: { case: "prefix", value: "/" } },
        requirementType: { case: "requires", value: requirement(named) },
      },
    ],
    bypassCorsPreflight: true,
  });
  return [filter];
}

function provider({ rule, jwks }: AcceptedIssuer, isGateway: boolean): JwtProviderInit {
  return {
    issuer: rule.issuer ?? "",
    audiences: [...(rule.audiences ?? [])],
    jwksSourceSpecifier: {
      case: "localJwks",
      value: { specifier: { case: "inlineString", value: jwks ?? UNUSABLE_JWKS } },
    },
    forward: rule.forwardOriginalToken ?? false,
    fromHeaders: (rule.fromHeaders ?? []).map(({ name, prefix = "" }) => ({ name, valuePrefix: prefix })),
    fromParams: [...(rule.fromParams ?? [])],
    fromCookies: [...(rule.fromCookies ?? [])],
    forwardPayloadHeader: rule.outputPayloadToHeader ?? "",
    claimToHeaders: (rule.outputClaimToHeaders ?? []).map(({ header, claim }) => ({
      headerName: header,
      claimName: claim,
    })),
    payloadInMetadata: JWT_PAYLOAD,
    normalizePayloadInMetadata: { spaceDelimitedClaims: spaceDelimitedClaims(rule) },
    // The route was chosen before the token was looked at.
    clearRouteCache: isGateway,
  };
}

/** Those that are lists by convention, and those that the rule adds. */
function spaceDelimitedClaims({ spaceDelimitedClaims: added = [] }: JwtRule): string[] {
  return [...new Set(["permission", "scope", ...added])].sort();
}

/**
 * A token of any issuer is enough, or none; one that is invalid isn't. That one is enough is said first: where issuers
 * look in the same place, each finds the others' tokens invalid. A token that must be there can't be made up for by
 * another, so then each issuer is asked.
 */
function requirement(named: readonly (readonly [string, AcceptedIssuer])[]): JwtRequirementInit {
  const each = named.map(([name, { rule }]) => (isRequired(rule) ? requires(name) : requiresIfPresent(name)));
  const [only, ...others] = each;
  if (only !== undefined && others.length === 0) return only;
  const all: JwtRequirementInit = {
    requiresType: { case: "requiresAll", value: { requirements: each } },
  };
  if (named.some(([, { rule }]) => isRequired(rule))) return all;
  return anyOf([...named.map(([name]) => requires(name)), all]);
}

function isRequired({ presence }: JwtRule): boolean {
  return presence === "REQUIRED";
}

function requires(name: string): JwtRequirementInit {
  return { requiresType: { case: "providerName", value: name } };
}

function requiresIfPresent(name: string): JwtRequirementInit {
  return anyOf([requires(name), { requiresType: { case: "allowMissing", value: {} } }]);
}

function anyOf(requirements: JwtRequirementInit[]): JwtRequirementInit {
  return { requiresType: { case: "requiresAny", value: { requirements } } };
}
