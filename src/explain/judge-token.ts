// What a proxy makes of one token, by the filter that it was sent: as if a request brought the token where its issuer's are
// looked for, and nothing else. The token is kept nowhere.

import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { httpSlotName } from "../envoy/policy-slot/http-slot.ts";
import { FilterChainConfigSchema } from "../gen/envoy/extensions/filters/http/filter_chain/v3/filter_chain_pb.ts";
import {
  type JwtAuthentication,
  JwtAuthenticationSchema,
  type JwtProvider,
} from "../gen/envoy/extensions/filters/http/jwt_authn/v3/config_pb.ts";
import type { ReceivedConfig } from "./received-config.ts";
import { checkTokens } from "./token-check.ts";
import { parseWebToken } from "./web-token.ts";

export interface TokenVerdict {
  /** `ignores`: nobody looks at tokens. `unknown`: the proxy hasn't got its filters yet. */
  readonly verdict: "takes" | "refuses" | "ignores" | "unknown";
  /** A sentence. */
  readonly reason: string;
}

export function judgeToken(config: ReceivedConfig, text: string, nowSeconds: number): TokenVerdict {
  const slot = config.extensionConfigs.get(httpSlotName("jwt"));
  if (slot === undefined) return { verdict: "unknown", reason: "the proxy hasn't got its policies yet" };
  const filter = filterIn(slot);
  if (filter === undefined)
    return { verdict: "ignores", reason: "no RequestAuthentication is for it, so nobody looks at the token" };
  const place = placeOf(providerFor(filter, text));
  const result = checkTokens(filter, { ...place.request(text), method: "GET", nowSeconds });
  // It has one.
  if (result.kind === "refused" && result.isMissing)
    return { verdict: "refuses", reason: "a token of another issuer is required beside it" };
  return result.kind === "refused"
    ? { verdict: "refuses", reason: `the token ${result.reason}` }
    : { verdict: "takes", reason: `as a token of ${result.issuer ?? "its issuer"}, in ${place.words}` };
}

function filterIn(
  slot: ReturnType<ReceivedConfig["extensionConfigs"]["get"]>,
): JwtAuthentication | undefined {
  const chain = slot === undefined ? undefined : anyUnpack(slot, FilterChainConfigSchema);
  const configs = (chain?.defaultFilterChain?.filters ?? []).flatMap(({ typedConfig }) => typedConfig ?? []);
  return configs.map((each) => anyUnpack(each, JwtAuthenticationSchema)).find((each) => each !== undefined);
}

/** The token's issuer's, else the first: a token of nobody that is known is refused, wherever it is. */
function providerFor({ providers }: JwtAuthentication, text: string): JwtProvider | undefined {
  const token = parseWebToken(text);
  const issuer = typeof token === "string" ? undefined : token.claims.iss;
  const all = Object.values(providers);
  return all.find((each) => each.issuer === issuer) ?? all.find((each) => each.issuer === "") ?? all[0];
}

interface TokenPlace {
  readonly words: string;
  readonly request: (text: string) => {
    readonly headers: ReadonlyMap<string, string>;
    readonly path: string;
  };
}

function placeOf({
  fromHeaders = [],
  fromParams = [],
  fromCookies = [],
}: Partial<JwtProvider> = {}): TokenPlace {
  const [header] = fromHeaders;
  const [parameter] = fromParams;
  const [cookie] = fromCookies;
  if (header === undefined && parameter !== undefined)
    return {
      words: `the parameter ${parameter}`,
      request: (text) => ({ headers: new Map(), path: `/?${parameter}=${encodeURIComponent(text)}` }),
    };
  if (header === undefined && cookie !== undefined)
    return {
      words: `the cookie ${cookie}`,
      request: (text) => ({ headers: new Map([["cookie", `${cookie}=${text}`]]), path: "/" }),
    };
  const { name, valuePrefix } = header ?? { name: "authorization", valuePrefix: "Bearer " };
  return {
    words: `the header ${name.toLowerCase()}`,
    request: (text) => ({ headers: new Map([[name.toLowerCase(), `${valuePrefix}${text}`]]), path: "/" }),
  };
}
