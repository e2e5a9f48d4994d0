// Tells a refused caller what refuses it, in a header of the response, where a policy asks for that. The filter stands in
// a policy's slot, so that asking changes no listener; refusals of filters before and after it pass it all the same.

import { HeaderValueOption_HeaderAppendAction } from "../../gen/envoy/config/core/v3/base_pb.ts";
import { HeaderMutationSchema } from "../../gen/envoy/extensions/filters/http/header_mutation/v3/header_mutation_pb.ts";
import type { AuthorizationInputs } from "../../view/authorization-inputs.ts";
import { ASKING_RULE, celExtract, RBAC_DENIAL, RESPONSE_DETAILS, rbacDenial } from "../policy-slot/denial.ts";
import { JWT_DENIAL } from "../request-authentication/jwt-metadata.ts";
import { type TypedFilter, typedFilter } from "../typed-filter.ts";

export const DENIAL_HEADER = "x-meltemi-denied-by";

export function denialHeaderFilter(inputs: AuthorizationInputs): TypedFilter {
  const header = { key: DENIAL_HEADER, value: `%CEL(${denialExpression(inputs)})%` };
  // Without a value, as of any other response, none is added.
  const append = { header, appendAction: HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD };
  return typedFilter("envoy.filters.http.header_mutation", HeaderMutationSchema, {
    mutations: { responseMutations: [{ action: { case: "append", value: append } }] },
  });
}

const RULE = String.raw`ns\\[(.*)\\]-policy\\[(.*)\\]-rule\\[([0-9]+)\\]`;

/** In the words of `meltemi authz can-i`. */
function denialExpression(inputs: AuthorizationInputs): string {
  const cases: readonly (readonly [condition: string, text: string])[] = [
    [`${RESPONSE_DETAILS} == '${rbacDenial("none")}'`, `'${noMatchText(inputs)}'`],
    [
      `${RESPONSE_DETAILS}.startsWith('${RBAC_DENIAL}')`,
      celExtract(RESPONSE_DETAILS, RULE, String.raw`AuthorizationPolicy \\1/\\2 rules[\\3]`),
    ],
    [
      `${RESPONSE_DETAILS}.startsWith('ext_authz_')`,
      celExtract(
        ASKING_RULE,
        `istio-ext-authz-(.*)-${RULE}`,
        String.raw`AuthorizationPolicy \\2/\\3 rules[\\4], provider \\1`,
      ),
    ],
    [
      `${RESPONSE_DETAILS}.startsWith('${JWT_DENIAL}')`,
      celExtract(RESPONSE_DETAILS, String.raw`\\{(.*)\\}`, String.raw`RequestAuthentication, \\1`),
    ],
  ];
  return cases.reduceRight((otherwise, [condition, text]) => `${condition} ? ${text} : ${otherwise}`, "''");
}

const NAMED_COUNT = 5;

function noMatchText({ policies }: AuthorizationInputs): string {
  const names = policies
    .filter(({ action, isDryRun }) => action === "ALLOW" && !isDryRun)
    .map(({ namespace, name }) => `${namespace}/${name}`)
    .sort();
  const [shown, rest] = [names.slice(0, NAMED_COUNT), names.slice(NAMED_COUNT)];
  const more = rest.length === 0 ? "" : ` and ${rest.length} more`;
  return `no rule of the workload\\u0027s ${names.length} ALLOW policies matches: ${shown.join(", ")}${more}`;
}
