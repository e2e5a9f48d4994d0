// What a CUSTOM policy can't ask: a provider is asked before tokens are verified, as in Istio, so none is known then.

import type { Finding } from "../define-kind.ts";
import type { Findings } from "../value-rules.ts";
import type { AuthorizationRule } from "./authorization-policy-spec.ts";

export function* checkTokenRules(rules: readonly AuthorizationRule[]): Findings {
  for (const [rule, { from = [], when = [] }] of rules.entries()) {
    for (const [index, { source = {} }] of from.entries()) {
      const path = `spec.rules[${rule}].from[${index}].source`;
      if ((source.requestPrincipals ?? []).length > 0)
        yield unknownToken(`${path}.requestPrincipals`, "so this matches nobody");
      if ((source.notRequestPrincipals ?? []).length > 0)
        yield unknownToken(`${path}.notRequestPrincipals`, "so this matches everybody");
    }
    for (const [index, { key, values = [] }] of when.entries()) {
      if (!key.startsWith("request.auth.")) continue;
      const effect = values.length > 0 ? "so this matches nobody" : "so this matches everybody";
      yield unknownToken(`spec.rules[${rule}].when[${index}].key`, effect);
    }
  }
}

function unknownToken(path: string, effect: string): Finding {
  return {
    code: "MLT2043",
    path,
    message: `providers are asked before tokens are verified, ${effect}`,
    hint: "leave the token to the provider, or to a policy of another action",
  };
}
