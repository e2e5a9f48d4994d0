// Envoy's jwt_authn on a request: whether its tokens are taken, why not, and what the filters after it see of them.

import { UNUSABLE_JWKS } from "../envoy/request-authentication/unusable-jwks.ts";
import type {
  JwtAuthentication,
  JwtProvider,
  JwtRequirement,
} from "../gen/envoy/extensions/filters/http/jwt_authn/v3/config_pb.ts";
import { type FoundToken, findTokens, type TokenSource } from "./token-locations.ts";
import { type Claims, parseWebToken, signatureFault, type WebToken } from "./web-token.ts";

export interface TokenQuestion extends TokenSource {
  readonly method: string | undefined;
  readonly nowSeconds: number;
}

export type TokenResult =
  | {
      readonly kind: "passes";
      /** By the issuers' names for the payload, as the filters after it see it. */
      readonly metadata: Readonly<Record<string, unknown>>;
      readonly headers: ReadonlyMap<string, string>;
      /** Of the token that was taken. */
      readonly issuer?: string;
    }
  /** `reason` is a sentence's end: `has expired`. */
  | { readonly kind: "refused"; readonly reason: string; readonly isMissing: boolean };

export function checkTokens(config: JwtAuthentication, question: TokenQuestion): TokenResult {
  const none: TokenResult = { kind: "passes", metadata: {}, headers: question.headers };
  if (config.bypassCorsPreflight && isPreflight(question)) return none;
  // Our rule is for every path; of others the first that matches would decide.
  const [rule] = config.rules;
  if (rule?.requirementType.case !== "requires") return none;
  const check = new RequirementCheck(config, question);
  const fault = check.verify(rule.requirementType.value, []);
  if (fault !== undefined) return { kind: "refused", ...fault };
  return { kind: "passes", ...check.seen() };
}

function isPreflight({ method, headers }: TokenQuestion): boolean {
  return (
    method === "OPTIONS" &&
    (headers.get("origin") ?? "") !== "" &&
    (headers.get("access-control-request-method") ?? "") !== ""
  );
}

interface Fault {
  readonly reason: string;
  readonly isMissing: boolean;
}

const MISSING: Fault = { reason: "has no token, and one is required", isMissing: true };

/** Walks a requirement as Envoy does, and keeps what accepted tokens leave behind. */
class RequirementCheck {
  readonly #config: JwtAuthentication;
  readonly #question: TokenQuestion;
  readonly #headers: Map<string, string>;
  #metadata: Readonly<Record<string, unknown>> = {};
  #issuer: string | undefined;

  constructor(config: JwtAuthentication, question: TokenQuestion) {
    this.#config = config;
    this.#question = question;
    this.#headers = new Map(question.headers);
    // What a filter says in a header no client may.
    for (const { forwardPayloadHeader, claimToHeaders } of Object.values(config.providers)) {
      const said = [forwardPayloadHeader, ...claimToHeaders.map(({ headerName }) => headerName)];
      for (const header of said) this.#headers.delete(header.toLowerCase());
    }
  }

  seen() {
    const issuer = this.#issuer === undefined ? {} : { issuer: this.#issuer };
    return { metadata: this.#metadata, headers: this.#headers, ...issuer };
  }

  /** `siblings`: the providers of the same choice, whose tokens mustn't be bad where none is needed. */
  verify({ requiresType }: JwtRequirement, siblings: readonly string[]): Fault | undefined {
    switch (requiresType.case) {
      case undefined:
      case "extractOnlyWithoutValidation":
      case "allowMissingOrFailed":
        return undefined;
      case "providerName":
        return this.#provider(requiresType.value);
      case "providerAndAudiences":
        return this.#provider(requiresType.value.providerName, requiresType.value.audiences);
      case "requiresAll":
        return firstFault(requiresType.value.requirements.map((each) => () => this.verify(each, [])));
      case "requiresAny":
        return this.#any(requiresType.value.requirements);
      case "allowMissing":
        return this.#allowMissing(siblings);
    }
  }

  #any(requirements: readonly JwtRequirement[]): Fault | undefined {
    const siblings = requirements.flatMap(({ requiresType }) =>
      requiresType.case === "providerName" ? [requiresType.value] : [],
    );
    const faults: Fault[] = [];
    for (const each of requirements) {
      const fault = this.verify(each, siblings);
      if (fault === undefined) return undefined;
      faults.push(fault);
    }
    // The last one is what Envoy answers; one that says more than that a token is of another issuer is of more use.
    return faults.find(({ reason }) => !reason.startsWith("is of the issuer")) ?? faults.at(-1);
  }

  #allowMissing(providers: readonly string[]): Fault | undefined {
    const faults = providers.map((name) => this.#provider(name));
    return faults.find((fault) => fault !== undefined && !fault.isMissing);
  }

  /** Every token must be good where the provider looks. */
  #provider(name: string, audiences?: readonly string[]): Fault | undefined {
    const provider = this.#config.providers[name];
    if (provider === undefined)
      return { reason: `needs the provider "${name}", which isn't there`, isMissing: false };
    const tokens = findTokens(provider, this.#question);
    if (tokens.length === 0) return MISSING;
    return firstFault(tokens.map((token) => () => this.#token(token, provider, audiences)));
  }

  #token(
    found: FoundToken,
    provider: JwtProvider,
    audiences: readonly string[] = provider.audiences,
  ): Fault | undefined {
    const token = parseWebToken(found.text);
    const reason =
      typeof token === "string" ? token : tokenFault(token, { ...this.#question, provider, audiences });
    if (reason !== undefined) return { reason, isMissing: false };
    this.#accept(token as WebToken, found, provider);
    return undefined;
  }

  #accept({ claims, payload }: WebToken, { header }: FoundToken, provider: JwtProvider): void {
    const { payloadInMetadata, forwardPayloadHeader, claimToHeaders, forward } = provider;
    const normalized = normalizedClaims(claims, provider);
    if (payloadInMetadata !== "") this.#metadata = { ...this.#metadata, [payloadInMetadata]: normalized };
    if (forwardPayloadHeader !== "") this.#headers.set(forwardPayloadHeader.toLowerCase(), payload);
    for (const { headerName, claimName } of claimToHeaders) {
      const value = claimAt(claims, claimName);
      if (["string", "number", "boolean"].includes(typeof value))
        this.#headers.set(headerName.toLowerCase(), String(value));
    }
    if (!forward && header !== undefined) this.#headers.delete(header);
    this.#issuer = String(claims.iss ?? "");
  }
}

function firstFault(checks: readonly (() => Fault | undefined)[]): Fault | undefined {
  for (const check of checks) {
    const fault = check();
    if (fault !== undefined) return fault;
  }
  return undefined;
}

interface Expectations {
  readonly provider: JwtProvider;
  readonly audiences: readonly string[];
  readonly nowSeconds: number;
}

const CLOCK_SKEW_SECONDS = 60;

function tokenFault(token: WebToken, { provider, audiences, nowSeconds }: Expectations): string | undefined {
  const { iss, exp, nbf, aud } = token.claims;
  const { issuer, jwksSourceSpecifier: keys } = provider;
  if (issuer !== "" && iss !== issuer) return `is of the issuer ${JSON.stringify(iss)}, not "${issuer}"`;
  const skew = provider.clockSkewSeconds > 0 ? provider.clockSkewSeconds : CLOCK_SKEW_SECONDS;
  if (typeof nbf === "number" && nowSeconds + skew < nbf) return "isn't valid yet";
  if (typeof exp === "number" && exp > 0 && nowSeconds > exp + skew) return "has expired";
  const given = (Array.isArray(aud) ? aud : [aud]).map((each) => audience(String(each)));
  if (audiences.length > 0 && !audiences.some((each) => given.includes(audience(each)))) {
    return `is for the audience ${JSON.stringify(aud)}, not ${audiences.map((each) => `"${each}"`).join(" or ")}`;
  }
  const specifier = keys.case === "localJwks" ? keys.value.specifier : undefined;
  if (specifier?.case !== "inlineString") return "can't be verified: its issuer's keys aren't in the filter";
  if (specifier.value === UNUSABLE_JWKS)
    return "can't be verified: the keys of its issuer aren't there, or none of them can be used";
  return signatureFault(token, specifier.value);
}

/** Envoy takes an audience with and without a scheme and a slash at its end for the same. */
function audience(text: string): string {
  return text.replace(/^https?:\/\//, "").replace(/\/$/, "");
}

/** Lists that are text by convention become lists. */
function normalizedClaims(claims: Claims, { normalizePayloadInMetadata: normalize }: JwtProvider): Claims {
  const listed = (normalize?.spaceDelimitedClaims ?? []).flatMap((name) => {
    const value = claims[name];
    return typeof value === "string" ? [[name, value.split(" ")] as const] : [];
  });
  return { ...claims, ...Object.fromEntries(listed) };
}

/** `a.b`: the claim b within a. */
function claimAt(claims: Claims, path: string): unknown {
  return path.split(".").reduce<unknown>((value, key) => {
    const isObject = typeof value === "object" && value !== null && Object.hasOwn(value, key);
    return isObject ? (value as Claims)[key] : undefined;
  }, claims);
}
