// Envoy's Permission on a call: what is called for.

import type { Permission } from "../gen/envoy/config/rbac/v3/rbac_pb.ts";
import { matchesAddress } from "./address-matching.ts";
import type { SeenCall } from "./call.ts";
import { matchesHeader } from "./header-matching.ts";
import { matchesMetadata } from "./metadata-matching.ts";
import { matchesPath, matchesTemplate } from "./path-matching.ts";
import { matchesText } from "./string-matching.ts";
import { allOf, anyOf, not, ofFact, open, type Truth } from "./truth.ts";

export function matchesPermission({ rule }: Permission, call: SeenCall): Truth {
  switch (rule.case) {
    case "any":
      return rule.value;
    case "andRules":
      return allOf(rule.value.rules.map((each) => matchesPermission(each, call)));
    case "orRules":
      return anyOf(rule.value.rules.map((each) => matchesPermission(each, call)));
    case "notRule":
      return not(matchesPermission(rule.value, call));
    case "header":
      return matchesHeader(rule.value, call.request);
    case "urlPath":
      return matchesPath(rule.value, call.request);
    case "uriTemplate":
      return matchesTemplate(rule.value.typedConfig, call.request);
    case "destinationIp":
      return matchesAddress(rule.value, call.destinationIp, "the pod's address");
    case "destinationPort":
      return call.destinationPort === rule.value;
    case "destinationPortRange":
      return call.destinationPort >= rule.value.start && call.destinationPort < rule.value.end;
    case "requestedServerName":
      return ofFact(call.serverName, "the server's name in TLS", (name) => matchesText(rule.value, name));
    case "metadata":
      return matchesMetadata(rule.value, call.metadata);
    default:
      return open(`a matcher ${rule.case ?? "that isn't known"}`);
  }
}
