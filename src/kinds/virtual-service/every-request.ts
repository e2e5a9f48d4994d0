// Whether a match takes every request: rules behind one are never reached, and at a gateway it comes after all others.

import type { HttpMatchRequest, StringMatch } from "./matching.ts";

/** What says where the match holds (`port`, `gateways`, the source) is for others to look at. */
export function takesEveryRequest(match: HttpMatchRequest | undefined): boolean {
  if (match === undefined) return true;
  const { uri, method, authority, scheme, headers, withoutHeaders, queryParams } = match;
  return (
    takesEveryPath(uri) &&
    [method, authority, scheme].every((each) => each === undefined) &&
    [headers, withoutHeaders, queryParams].every((each) => Object.keys(each ?? {}).length === 0)
  );
}

/** However a user writes it; an empty match of the path says nothing. */
function takesEveryPath(uri: StringMatch | undefined): boolean {
  if (uri === undefined || (uri.exact === undefined && uri.prefix === undefined && uri.regex === undefined))
    return true;
  if (uri.regex !== undefined) return REGEX_OF_EVERY_PATH.test(uri.regex);
  return uri.prefix === "/" || uri.prefix === "";
}

// `.*`, `/.*`, `^/(.*)$`, `.+`: paths begin with a slash.
const REGEX_OF_EVERY_PATH = /^\^?(?:\/?(?:\.\*|\(\.\*\))|\.\+|\(\.\+\))\$?$/;
