// Keeps tokens out of access logs: of a request that has one as a query parameter the log shows the path alone, whatever
// becomes of the request. Other requests are logged as ever.

import { ConfigSchema as SetFilterStateSchema } from "../../gen/envoy/extensions/filters/http/set_filter_state/v3/set_filter_state_pb.ts";
import { CelSchema } from "../../gen/envoy/extensions/formatter/cel/v3/cel_pb.ts";
import type { JwtRule } from "../../kinds/request-authentication.ts";
import type { RequestAuthenticationInputs } from "../../view/request-authentication.ts";
import { typedConfig } from "../encode.ts";
import { LOGGED_PATH } from "../logged-path.ts";
import { type TypedFilter, typedFilter } from "../typed-filter.ts";

// Envoy refuses a larger pattern at some length that depends on what is in it; then every query is left out.
const MAX_PATTERN_CHARACTERS = 1_000;
const ANY_QUERY = "[?]";

/** Empty where no issuer's tokens are looked for in the query. */
export function buildTokenConcealment({ issuers }: RequestAuthenticationInputs): readonly TypedFilter[] {
  const names = new Set(issuers.flatMap(({ rule }) => tokenParameters(rule)));
  if (names.size === 0) return [];
  const config = {
    onRequestHeaders: [
      {
        key: { case: "objectKey" as const, value: LOGGED_PATH },
        factoryKey: "envoy.string",
        value: {
          case: "formatString" as const,
          value: formatOf(pathExpression(patternOf([...names].sort()))),
        },
        skipIfEmpty: true,
      },
    ],
  };
  return [typedFilter("envoy.filters.http.set_filter_state", SetFilterStateSchema, config)];
}

/** Envoy looks for `access_token` where a rule names no place at all. */
export function tokenParameters({ fromHeaders = [], fromParams = [], fromCookies = [] }: JwtRule) {
  const isDefault = fromHeaders.length + fromParams.length + fromCookies.length === 0;
  return isDefault ? ["access_token"] : fromParams;
}

/** A name with an escape may be any name: Envoy decodes it before it compares. */
function patternOf(names: readonly string[]): string {
  const anyEscaped = "[^=&]*%[^=&]*";
  const wanted = [...names.map(literal), anyEscaped.replace("%", literal("%"))].join("|");
  const pattern = `[?&](?:${wanted})(?:=|&|$)`;
  return pattern.length > MAX_PATTERN_CHARACTERS ? ANY_QUERY : pattern;
}

/** For RE2, in a string of CEL's, in a format: none of them has a meaning for what is left as it is. */
function literal(text: string): string {
  const escaped = (character: string) => `\\\\x{${character.codePointAt(0)?.toString(16)}}`;
  return text.replace(/[^A-Za-z0-9_]/gu, escaped);
}

/** Empty where the path may be shown as it is. The client's path, if a proxy before has rewritten it. */
function pathExpression(pattern: string): string {
  const original = "request.headers['x-envoy-original-path']";
  const path = `('x-envoy-original-path' in request.headers ? ${original} : request.path)`;
  return `%CEL(${path}.matches('${pattern}') ? ${path}.split('?')[0] : '')%`;
}

function formatOf(text: string) {
  const formatter = typedConfig(CelSchema, { celConfig: { enableStringFunctions: true } });
  return {
    format: {
      case: "textFormatSource" as const,
      value: { specifier: { case: "inlineString" as const, value: text } },
    },
    formatters: [{ name: "envoy.formatter.cel", typedConfig: formatter }],
  };
}
