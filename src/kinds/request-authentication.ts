// RequestAuthentication: which JSON Web Tokens of end users are accepted, and where they are looked for.

import { childPath } from "../core/field-path.ts";
import { isPrivateKey, isPublicKey, isSecretKey, parseKeySet } from "../core/json-web-key.ts";
import { atMostOne, selectorAdmission, targetAdmission } from "./admission.ts";
import { DRY_RUN } from "./authorization-policy/dry-run.ts";
import type { ObjectOf } from "./define-kind.ts";
import { defineKind } from "./define-kind.ts";
import type { ObjectMeta } from "./object-meta.ts";
import { policyTargetReference, policyTargetRules } from "./policy-target.ts";
import type { TypeOf } from "./schema.ts";
import { anything, choice, duration, flag, list, message, text } from "./schema.ts";
import type { Findings } from "./value-rules.ts";
import { checkDuration, checkHeaderName } from "./value-rules.ts";
import { workloadSelector } from "./workload-selector.ts";

/** `JWTHeader` */
export const jwtHeader = message({ prefix: text() }, { required: { name: text() } });

/** `ClaimToHeader` */
export const claimToHeader = message({}, { required: { header: text(), claim: text() } });

/** `JWTRule.JWTRequirement` */
export const jwtRequirement = choice("OPTIONAL", "REQUIRED");

/** `JWTRule` */
export const jwtRule = message({
  issuer: text(),
  audiences: list(text()),
  jwksUri: text(),
  jwks: text(),
  fromHeaders: list(jwtHeader),
  fromParams: list(text()),
  outputPayloadToHeader: text(),
  fromCookies: list(text()),
  forwardOriginalToken: flag(),
  outputClaimToHeaders: list(claimToHeader),
  timeout: duration(),
  spaceDelimitedClaims: list(text()),
  presence: jwtRequirement,
});

export const requestAuthenticationSpec = message({
  selector: workloadSelector,
  targetRef: policyTargetReference,
  targetRefs: list(policyTargetReference),
  jwtRules: list(jwtRule),
});

export const requestAuthenticationKind = defineKind({
  kind: "RequestAuthentication",
  group: "security.istio.io",
  versions: { served: ["v1", "v1beta1"], storage: "v1" },
  plural: "requestauthentications",
  shortNames: ["ra"],
  scope: "Namespaced",
  roles: ["modeled", "enforced"],
  description:
    "Which JSON Web Tokens of end users are accepted, from which issuers, and where in a request they are looked for.",
  fields: { spec: requestAuthenticationSpec, status: anything() },
  rules: [policyTargetRules, requestAuthenticationRules, dryRunRule],
  admission: {
    spec: {
      rules: [
        atMostOne("only one of targetRefs or selector can be set", "selector", "targetRef", "targetRefs"),
      ],
    },
    ...selectorAdmission("spec.selector.matchLabels"),
    ...targetAdmission("targetRef", "targetRefs"),
    "spec.jwtRules": { maxItems: 4096 },
    "spec.jwtRules[]": { rules: [atMostOne("only one of jwks or jwksUri can be set", "jwks", "jwksUri")] },
    "spec.jwtRules[].issuer": { minLength: 1 },
    "spec.jwtRules[].audiences[]": { minLength: 1 },
    "spec.jwtRules[].jwksUri": {
      minLength: 1,
      maxLength: 2048,
      rules: [
        {
          rule: "url(self).getScheme() in ['http', 'https']",
          message: "url must have scheme http:// or https://",
        },
      ],
    },
    "spec.jwtRules[].fromHeaders[].name": { minLength: 1 },
    "spec.jwtRules[].fromParams[]": { minLength: 1 },
    "spec.jwtRules[].fromCookies[]": { minLength: 1 },
    "spec.jwtRules[].outputClaimToHeaders[].header": { minLength: 1, pattern: "^[-_A-Za-z0-9]+$" },
    "spec.jwtRules[].outputClaimToHeaders[].claim": { minLength: 1 },
    "spec.jwtRules[].timeout": {
      maxLength: 64,
      rules: [
        {
          rule: "duration(self) >= duration('1ms')",
          message: "must be a valid duration greater than 1ms",
        },
      ],
    },
  },
});

export type RequestAuthentication = ObjectOf<typeof requestAuthenticationKind>;
export type RequestAuthenticationSpec = TypeOf<typeof requestAuthenticationSpec>;
export type JwtRule = TypeOf<typeof jwtRule>;

/** Where an issuer's keys are: `jwks URL` at the URL itself, `discovery ISSUER` by OpenID Connect's discovery. */
export type KeyLocation = string;

/** Undefined where the rule holds its keys itself. */
export function keyLocationOf({ jwks = "", jwksUri = "", issuer = "" }: JwtRule): KeyLocation | undefined {
  if (jwks !== "") return undefined;
  return jwksUri !== "" ? `jwks ${jwksUri}` : `discovery ${issuer}`;
}

function* requestAuthenticationRules({ spec = {} }: { readonly spec?: RequestAuthenticationSpec }): Findings {
  for (const [index, rule] of (spec.jwtRules ?? []).entries()) {
    yield* checkJwtRule(`spec.jwtRules[${index}]`, rule);
  }
}

function* dryRunRule({ metadata }: { readonly metadata?: ObjectMeta }): Findings {
  if (metadata?.annotations?.[DRY_RUN] !== undefined)
    yield {
      path: childPath("metadata.annotations", DRY_RUN),
      message: "only an AuthorizationPolicy can be a dry run",
    };
}

/** Envoy refuses a whole filter for keys that it can't use. */
function* checkKeys(path: string, jwks: string): Findings {
  if (jwks === "") return;
  const keys = parseKeySet(jwks);
  if (keys === undefined) yield { path, message: 'not a JSON Web Key Set, such as {"keys": [...]}' };
  else if (!keys.some((key) => isPublicKey(key) || isSecretKey(key)))
    yield { path, message: "no key is one that Envoy can verify tokens by" };
  for (const [index, key] of (keys ?? []).entries()) {
    if (isPrivateKey(key))
      yield {
        path,
        severity: "warning",
        message: `key ${index} is a private key: whoever reads this object can make tokens`,
      };
  }
}

function isHttpUrl(text: string): boolean {
  return /^https?:\/\/[^\s\\]+$/.test(text) && URL.canParse(text);
}

function* checkJwtRule(path: string, rule: JwtRule): Findings {
  if ((rule.issuer ?? "") === "" && (rule.jwksUri ?? "") === "")
    yield { code: "MLT1006", path: `${path}.issuer`, message: "a rule needs an issuer or a jwksUri" };
  for (const name of ["audiences", "fromParams", "fromCookies"] as const) {
    const empty = (rule[name] ?? []).indexOf("");
    if (empty !== -1) yield { path: `${path}.${name}[${empty}]`, message: "the text is empty" };
  }
  if (rule.jwks !== undefined && rule.jwksUri !== undefined)
    yield { path: `${path}.jwks`, message: '"jwks" and "jwksUri" are both set, only one of them may be' };
  if (rule.jwksUri !== undefined && !isHttpUrl(rule.jwksUri))
    yield { path: `${path}.jwksUri`, message: `"${rule.jwksUri}" isn't an http:// or https:// URL` };
  yield* checkKeys(`${path}.jwks`, rule.jwks ?? "");
  for (const [index, { name }] of (rule.fromHeaders ?? []).entries())
    yield* checkHeaderName(`${path}.fromHeaders[${index}].name`, name);
  for (const [index, { claim, header }] of (rule.outputClaimToHeaders ?? []).entries()) {
    const place = `${path}.outputClaimToHeaders[${index}]`;
    if (claim === "") yield { code: "MLT1006", path: `${place}.claim`, message: "a claim's name is empty" };
    if (!/^[-_A-Za-z0-9]+$/.test(header))
      yield { path: `${place}.header`, message: `"${header}" isn't a header's name` };
  }
  yield* checkDuration(`${path}.timeout`, rule.timeout);
}
