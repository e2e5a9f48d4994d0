// Runs a call through the filters that a sidecar was sent, in their order, and says what decides. Where a later filter
// would refuse it anyhow, that is the verdict, even if an earlier one leaves it open.

import { type Any, anyIs, anyUnpack } from "@bufbuild/protobuf/wkt";
import { JWT_FILTER } from "../envoy/request-authentication/jwt-metadata.ts";
import type { RBAC } from "../gen/envoy/config/rbac/v3/rbac_pb.ts";
import { ExtAuthzSchema as HttpExtAuthzSchema } from "../gen/envoy/extensions/filters/http/ext_authz/v3/ext_authz_pb.ts";
import { HeaderMutationSchema } from "../gen/envoy/extensions/filters/http/header_mutation/v3/header_mutation_pb.ts";
import { JwtAuthenticationSchema } from "../gen/envoy/extensions/filters/http/jwt_authn/v3/config_pb.ts";
import { RBACSchema as HttpRbacSchema } from "../gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts";
import { ExtAuthzSchema as NetworkExtAuthzSchema } from "../gen/envoy/extensions/filters/network/ext_authz/v3/ext_authz_pb.ts";
import { RBACSchema as NetworkRbacSchema } from "../gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.ts";
import { ConfigSchema as SetFilterStateSchema } from "../gen/envoy/extensions/filters/network/set_filter_state/v3/set_filter_state_pb.ts";
import type { MetadataMatcher } from "../gen/envoy/type/matcher/v3/metadata_pb.ts";
import type { Call, HttpRequest, SeenCall } from "./call.ts";
import { conditionOf, holdsCondition } from "./connection-condition.ts";
import type { Decision, NamedRule, Reason, Step } from "./decision.ts";
import type { EnforcingChain, EnforcingFilter } from "./enforcing-chain.ts";
import { matchesMetadata } from "./metadata-matching.ts";
import { normalizedPath, withoutFinalDot } from "./normalized-path.ts";
import { evaluateRules, type RulesResult } from "./rbac-rules.ts";
import { parseRuleName } from "./rule-name.ts";
import { checkTokens } from "./token-check.ts";
import { type Fact, isOpen, known } from "./truth.ts";

export interface DecisionOptions {
  /** By which tokens expire, since the Unix epoch. */
  readonly nowSeconds: number;
}

export function decideCall(chain: EnforcingChain, call: Call, options: DecisionOptions): Decision {
  return walkFilters(chain, call, options).decision;
}

export interface WalkedCall {
  readonly decision: Decision;
  /** As it is behind the filters; undefined where none of them saw it. */
  readonly seen: SeenCall | undefined;
}

export function walkFilters(chain: EnforcingChain, call: Call, { nowSeconds }: DecisionOptions): WalkedCall {
  const request = chain.speaks === "http" ? call.request : undefined;
  const seen = request === undefined ? request : asFiltersSee(request, chain);
  if (seen === "refused") {
    const decision: Decision = { verdict: "denied", reason: { kind: "path-refused" }, steps: [] };
    return { decision, seen: undefined };
  }
  const { request: _, ...connection } = call;
  const walk = new FilterWalk(
    { ...connection, ...(seen && { request: seen }), metadata: new Map() },
    nowSeconds,
  );
  for (const filter of chain.filters) walk.meet(filter);
  return { decision: walk.decision(), seen: walk.call() };
}

function asFiltersSee(request: HttpRequest, { normalization }: EnforcingChain): HttpRequest | "refused" {
  const { authority: host, path: target } = request;
  const authority =
    host !== undefined && normalization.stripsFinalDot ? known(withoutFinalDot(host.known)) : host;
  if (target === undefined) return { ...request, authority };
  const path = normalizedPath(target.known, normalization);
  return path === undefined ? "refused" : { ...request, authority, path: known(path) };
}

class FilterWalk {
  readonly #nowSeconds: number;
  #call: SeenCall;
  readonly #steps: Step[] = [];
  readonly #refusals: Reason[] = [];
  readonly #doubts: Reason[] = [];
  #allowedBy: Reason | undefined;
  /** The last rule by which somebody is to be asked. */
  #asking: NamedRule | undefined;

  constructor(call: SeenCall, nowSeconds: number) {
    this.#call = call;
    this.#nowSeconds = nowSeconds;
  }

  call(): SeenCall {
    return this.#call;
  }

  decision(): Decision {
    const steps = this.#steps;
    const [refusal] = this.#refusals;
    if (refusal !== undefined) return { verdict: "denied", reason: refusal, steps };
    const [doubt] = this.#doubts;
    if (doubt !== undefined) return { verdict: "depends", reason: doubt, steps };
    return { verdict: "allowed", reason: this.#allowedBy ?? { kind: "no-policy" }, steps };
  }

  meet({ slot, name, config }: EnforcingFilter): void {
    // It tells by what a call was refused, and changes nothing else.
    if (config !== undefined && anyIs(config, HeaderMutationSchema)) return;
    const { rules, provider, tokens, condition } = decoded(config);
    if (rules !== undefined) this.#rules(slot, name, rules);
    else if (provider !== undefined) this.#provider(slot, provider.matcher);
    else if (tokens !== undefined) this.#tokens(slot, tokens);
    else if (condition !== undefined) this.#condition(slot, condition);
    else this.#unknown(slot);
  }

  /** A policy's slot whose filter the proxy doesn't show may hold anything; other filters are their makers' own affair. */
  #unknown(slot: string): void {
    this.#steps.push({ slot, action: "UNKNOWN", result: "unknown" });
    if (slot.startsWith("meltemi."))
      this.#doubts.push({ kind: "open", needs: [`the filter "${slot}"`], rules: [] });
  }

  #rules(slot: string, name: string, { rules, shadowRules, shadowRulesStatPrefix }: RbacConfig): void {
    if (shadowRules !== undefined) this.#shadowRules(slot, { name, shadowRules, shadowRulesStatPrefix });
    if (rules === undefined) return;
    const result = evaluateRules(rules, this.#call);
    const { action, passes, matched } = result;
    this.#steps.push({ slot, ...stepOf(result) });
    if (isOpen(passes)) {
      this.#doubts.push({ kind: "open", needs: passes.needs, rules: result.open.map(namedRule) });
    } else if (!passes) {
      const reason: Reason =
        matched === undefined
          ? { kind: "no-match", rules: Object.keys(rules.policies).map(namedRule) }
          : { kind: "rule", action, rule: namedRule(matched) };
      this.#refusals.push(reason);
    } else if (action === "ALLOW" && matched !== undefined) {
      this.#allowedBy = { kind: "rule", action, rule: namedRule(matched) };
    }
  }

  #shadowRules(slot: string, { name, shadowRules, shadowRulesStatPrefix: prefix }: ShadowRules): void {
    const result = evaluateRules(shadowRules, this.#call);
    const metadataName = slot.startsWith("meltemi.network.") ? "envoy.filters.network.rbac" : name;
    const isCertain = !isOpen(result.passes) || result.matched !== undefined;
    const found = { [`${prefix}shadow_effective_policy_id`]: result.matched };
    const before = this.#call.metadata.get(metadataName)?.known ?? {};
    this.#learn(metadataName, isCertain ? known({ ...before, ...found }) : undefined);
    const [rule] = [result.matched ?? result.open[0]];
    if (prefix !== CUSTOM_PREFIX) this.#steps.push({ slot, ...stepOf(result), isDryRun: true });
    else this.#asking = rule === undefined ? undefined : namedRule(rule);
  }

  #provider(slot: string, matcher: MetadataMatcher | undefined): void {
    const asks = matcher === undefined ? true : matchesMetadata(matcher, this.#call.metadata);
    if (asks === false) {
      this.#steps.push({ slot, action: "CUSTOM", result: "passes" });
      return;
    }
    const rule = this.#asking;
    const matched = rule === undefined ? {} : { matched: rule.name };
    this.#steps.push({ slot, action: "CUSTOM", result: isOpen(asks) ? "depends" : "asks", ...matched });
    this.#doubts.push({
      kind: "provider",
      provider: rule?.parsed?.provider ?? "that its filter names",
      ...(rule === undefined ? {} : { rule }),
    });
  }

  #tokens(slot: string, config: TokenConfig): void {
    const { request } = this.#call;
    if (request?.headers === undefined || request.path === undefined) {
      this.#unknownToken(slot, config);
      return;
    }
    const result = checkTokens(config, {
      headers: request.headers.known,
      path: request.path.known,
      method: request.method?.known,
      nowSeconds: this.#nowSeconds,
    });
    if (result.kind === "refused") {
      const fault = `${result.isMissing ? "the request" : "the token"} ${result.reason}`;
      this.#steps.push({ slot, action: "JWT", result: "denies", fault });
      this.#refusals.push({ kind: "token", fault });
      return;
    }
    this.#steps.push({ slot, action: "JWT", result: "passes" });
    this.#call = { ...this.#call, request: { ...request, headers: known(result.headers) } };
    this.#learn(JWT_FILTER, known(result.metadata));
  }

  /** Whoever needs no token may come without one. */
  #unknownToken(slot: string, config: TokenConfig): void {
    const without = { headers: new Map(), path: "/", method: undefined, nowSeconds: this.#nowSeconds };
    const needs = ["the token"];
    this.#learn(JWT_FILTER, undefined);
    this.#steps.push({ slot, action: "JWT", result: "depends", needs });
    if (checkTokens(config, without).kind === "refused")
      this.#doubts.push({ kind: "open", needs, rules: [] });
  }

  #condition(slot: string, text: string): void {
    const holds = holdsCondition(text, this.#call);
    const result = isOpen(holds) ? "depends" : holds ? "passes" : "denies";
    this.#steps.push({ slot, action: "FORWARD", result, ...(isOpen(holds) && { needs: holds.needs }) });
    if (isOpen(holds)) this.#doubts.push({ kind: "open", needs: holds.needs, rules: [] });
    else if (!holds) this.#refusals.push({ kind: "closed" });
  }

  #learn(filter: string, metadata: Fact<Readonly<Record<string, unknown>>>): void {
    this.#call = { ...this.#call, metadata: new Map([...this.#call.metadata, [filter, metadata]]) };
  }
}

const CUSTOM_PREFIX = "istio_ext_authz_";

type TokenConfig = NonNullable<ReturnType<typeof anyUnpack<typeof JwtAuthenticationSchema>>>;

interface RbacConfig {
  readonly rules?: RBAC | undefined;
  readonly shadowRules?: RBAC | undefined;
  readonly shadowRulesStatPrefix: string;
}

interface ShadowRules {
  readonly name: string;
  readonly shadowRules: RBAC;
  readonly shadowRulesStatPrefix: string;
}

interface DecodedFilter {
  readonly rules?: RbacConfig | undefined;
  /** Absent matcher: every call is asked about. */
  readonly provider?: { readonly matcher: MetadataMatcher | undefined };
  readonly tokens?: TokenConfig;
  readonly condition?: string;
}

function decoded(config: Any | undefined): DecodedFilter {
  if (config === undefined) return {};
  const rules = anyUnpack(config, HttpRbacSchema) ?? anyUnpack(config, NetworkRbacSchema);
  if (rules !== undefined) return { rules };
  const provider = anyUnpack(config, HttpExtAuthzSchema) ?? anyUnpack(config, NetworkExtAuthzSchema);
  if (provider !== undefined) return { provider: { matcher: provider.filterEnabledMetadata } };
  const tokens = anyUnpack(config, JwtAuthenticationSchema);
  if (tokens !== undefined) return { tokens };
  const state = anyUnpack(config, SetFilterStateSchema);
  return state === undefined ? {} : { condition: conditionOf(state) };
}

function stepOf({ action, passes, matched }: RulesResult): Omit<Step, "slot"> {
  return {
    action,
    result: isOpen(passes) ? "depends" : passes ? "passes" : "denies",
    ...(matched === undefined ? {} : { matched }),
    ...(isOpen(passes) ? { needs: passes.needs } : {}),
  };
}

function namedRule(name: string): NamedRule {
  const parsed = parseRuleName(name);
  return { name, ...(parsed === undefined ? {} : { parsed }) };
}
