// For tests: inputs of a few policies, and filters as the JSON that Envoy documents.

import {
  createRegistry,
  type DescMessage,
  fromBinary,
  type JsonValue,
  type MessageInitShape,
  toJson,
} from "@bufbuild/protobuf";
import { encode } from "../../src/envoy/encode.ts";
import { file_envoy_extensions_filters_http_ext_authz_v3_ext_authz as httpExtAuthz } from "../../src/gen/envoy/extensions/filters/http/ext_authz/v3/ext_authz_pb.ts";
import { file_envoy_extensions_filters_http_rbac_v3_rbac as httpRbac } from "../../src/gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts";
import { file_envoy_extensions_filters_network_ext_authz_v3_ext_authz as tcpExtAuthz } from "../../src/gen/envoy/extensions/filters/network/ext_authz/v3/ext_authz_pb.ts";
import { file_envoy_extensions_filters_network_rbac_v3_rbac as tcpRbac } from "../../src/gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.ts";
import { file_envoy_extensions_path_match_uri_template_v3_uri_template_match as uriTemplate } from "../../src/gen/envoy/extensions/path/match/uri_template/v3/uri_template_match_pb.ts";
import type { AuthorizationInputs, AuthorizationPolicyInputs } from "../../src/view/authorization-inputs.ts";

/** Of every extension that authorization uses. */
export const authorizationRegistry = createRegistry(
  httpRbac,
  httpExtAuthz,
  tcpRbac,
  tcpExtAuthz,
  uriTemplate,
);

/** As Envoy decodes it. */
export function asJson<Schema extends DescMessage>(
  schema: Schema,
  message: MessageInitShape<Schema>,
): JsonValue {
  const decoded = fromBinary(schema, encode(schema, message).bytes);
  return toJson(schema, decoded, { registry: authorizationRegistry });
}

export function policyInputs(part: Partial<AuthorizationPolicyInputs> = {}): AuthorizationPolicyInputs {
  const none = { namespace: "shop", name: "web", action: "ALLOW", isDryRun: false, provider: "" } as const;
  return { ...none, rules: [{}], ...part };
}

export function inputsOf(
  policies: readonly AuthorizationPolicyInputs[],
  part: Partial<AuthorizationInputs> = {},
): AuthorizationInputs {
  return {
    policies,
    providers: {},
    trustDomains: ["cluster.local"],
    allowsSeveralProviders: true,
    explainsDenials: false,
    ...part,
  };
}
