// Matchers of what other filters say of a request: the claims of its token, and whatever a filter of the user's adds.

import type { MetadataMatcherSchema } from "../../gen/envoy/type/matcher/v3/metadata_pb.ts";
import type { ValueMatcherSchema } from "../../gen/envoy/type/matcher/v3/value_pb.ts";
import type { Plain } from "../encode.ts";
import { JWT_FILTER, JWT_PAYLOAD } from "../request-authentication/jwt-metadata.ts";
import { type StringMatcherInit, stringPattern } from "./string-pattern.ts";

export type MetadataMatcherInit = Plain<typeof MetadataMatcherSchema>;
type ValueMatcherInit = Plain<typeof ValueMatcherSchema>;

export function metadataMatcher(
  filter: string,
  path: readonly string[],
  value: ValueMatcherInit,
): MetadataMatcherInit {
  return { filter, path: path.map((key) => ({ segment: { case: "key", value: key } })), value };
}

/** Of a claim that is text; the path leads to nested ones. */
export function claimMatcher(path: readonly string[], matcher: StringMatcherInit): MetadataMatcherInit {
  return metadataMatcher(JWT_FILTER, [JWT_PAYLOAD, ...path], textValue(matcher));
}

/** Of a claim that is text or a list of texts. */
export function claimListMatcher(path: readonly string[], values: readonly string[]): MetadataMatcherInit {
  const value = anyValue(values.map((each) => textValue(stringPattern(each))));
  return metadataMatcher(JWT_FILTER, [JWT_PAYLOAD, ...path], anyValue([listValue(value), value]));
}

/** `experimental.envoy.filters.a.b[c]`: the key `c` of the filter `envoy.filters.a.b`; undefined for another form. */
export function filterMetadataMatcher(
  key: string,
  values: readonly string[],
): MetadataMatcherInit | undefined {
  const [filter = "", name] = key
    .slice("experimental.".length)
    .replace(/\]$/, "")
    .split(/\[(.*)/s);
  if (name === undefined || name === "") return undefined;
  return metadataMatcher(filter, [name], anyValue(values.map(valueOrElement)));
}

/** `[x]` is an element of a list. */
function valueOrElement(value: string): ValueMatcherInit {
  const isList = value.startsWith("[") && value.endsWith("]");
  return isList
    ? listValue(textValue(stringPattern(value.replaceAll(/^[[\]]+|[[\]]+$/g, ""))))
    : textValue(stringPattern(value));
}

function textValue(matcher: StringMatcherInit): ValueMatcherInit {
  return { matchPattern: { case: "stringMatch", value: matcher } };
}

function listValue(element: ValueMatcherInit): ValueMatcherInit {
  return { matchPattern: { case: "listMatch", value: { matchPattern: { case: "oneOf", value: element } } } };
}

function anyValue(matchers: readonly ValueMatcherInit[]): ValueMatcherInit {
  const [first] = matchers;
  if (first !== undefined && matchers.length === 1) return first;
  return { matchPattern: { case: "orMatch", value: { valueMatchers: [...matchers] } } };
}
