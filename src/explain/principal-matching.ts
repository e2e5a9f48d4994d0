// Envoy's Principal on a call: who calls, from where, and with what.

import type { Principal } from "../gen/envoy/config/rbac/v3/rbac_pb.ts";
import type { StringMatcher } from "../gen/envoy/type/matcher/v3/string_pb.ts";
import { matchesAddress, remoteAddress } from "./address-matching.ts";
import type { Peer, SeenCall } from "./call.ts";
import { matchesHeader } from "./header-matching.ts";
import { matchesMetadata } from "./metadata-matching.ts";
import { matchesPath } from "./path-matching.ts";
import { matchesText } from "./string-matching.ts";
import { allOf, anyOf, not, ofFact, open, type Truth } from "./truth.ts";

const CALLER_ADDRESS = "the caller's address";

export function matchesPrincipal({ identifier }: Principal, call: SeenCall): Truth {
  switch (identifier.case) {
    case "any":
      return identifier.value;
    case "andIds":
      return allOf(identifier.value.ids.map((each) => matchesPrincipal(each, call)));
    case "orIds":
      return anyOf(identifier.value.ids.map((each) => matchesPrincipal(each, call)));
    case "notId":
      return not(matchesPrincipal(identifier.value, call));
    case "authenticated":
      return matchesPeer(identifier.value.principalName, call.peer);
    case "directRemoteIp":
      return matchesAddress(identifier.value, call.sourceIp, CALLER_ADDRESS);
    case "remoteIp":
      return matchesAddress(identifier.value, remoteAddress(call), CALLER_ADDRESS);
    case "header":
      return matchesHeader(identifier.value, call.request);
    case "urlPath":
      return matchesPath(identifier.value, call.request);
    case "metadata":
      return matchesMetadata(identifier.value, call.metadata);
    default:
      return open(`a matcher ${identifier.case ?? "that isn't known"}`);
  }
}

/** Without a name, anybody who has a certificate. */
function matchesPeer(name: StringMatcher | undefined, peer: Peer): Truth {
  if (peer.kind === "anonymous") return false;
  if (name === undefined) return true;
  return ofFact(peer.names, "the caller's identity", (names) =>
    anyOf(names.map((each) => matchesText(name, each))),
  );
}
