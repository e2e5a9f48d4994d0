// Matches on what a request's token says. The `jwt` filter of a gateway leaves it in metadata and has the route chosen
// again; without a valid token there is nothing there, and no header can stand in for it.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { MetadataMatcherSchema } from "../../gen/envoy/type/matcher/v3/metadata_pb.ts";
import type { ValueMatcherSchema } from "../../gen/envoy/type/matcher/v3/value_pb.ts";
import type { StringMatch } from "../../kinds/virtual-service/matching.ts";
import { JWT_FILTER, JWT_PAYLOAD } from "../request-authentication/jwt-metadata.ts";
import { stringMatcher } from "./string-matcher.ts";

type MetadataMatcherInit = MessageInitShape<typeof MetadataMatcherSchema>;
type ValueMatcherInit = MessageInitShape<typeof ValueMatcherSchema>;

/** A claim that is this text, or a list with it. */
export function claimMatcher(claim: readonly string[], match: StringMatch): MetadataMatcherInit {
  const path = [JWT_PAYLOAD, ...claim];
  return {
    filter: JWT_FILTER,
    path: path.map((key) => ({ segment: { case: "key", value: key } })),
    value: claimValue(match),
  };
}

/** Matches a request that lacks the claim, or has it with another value. */
export function withoutClaimMatcher(claim: readonly string[], match: StringMatch): MetadataMatcherInit {
  return { ...claimMatcher(claim, match), invert: true };
}

function claimValue(match: StringMatch): ValueMatcherInit {
  const matcher = stringMatcher(match);
  if (matcher === undefined) return { matchPattern: { case: "presentMatch", value: true } };
  const text: ValueMatcherInit = { matchPattern: { case: "stringMatch", value: matcher } };
  const element: ValueMatcherInit = {
    matchPattern: { case: "listMatch", value: { matchPattern: { case: "oneOf", value: text } } },
  };
  return { matchPattern: { case: "orMatch", value: { valueMatchers: [element, text] } } };
}
