// Matchers of a request's path. They see it without its query and fragment.

import { type Any, anyUnpack } from "@bufbuild/protobuf/wkt";
import { UriTemplateMatchConfigSchema } from "../gen/envoy/extensions/path/match/uri_template/v3/uri_template_match_pb.ts";
import type { PathMatcher } from "../gen/envoy/type/matcher/v3/path_pb.ts";
import type { HttpRequest } from "./call.ts";
import { matchesRegex, matchesText, quoteForRegex } from "./string-matching.ts";
import { ofFact, open, type Truth } from "./truth.ts";

/** False for a connection of bytes. */
export function matchesPath(matcher: PathMatcher, request: HttpRequest | undefined): Truth {
  if (request === undefined) return false;
  return ofFact(request.path, "the path", (path) => matchesText(matcher.rule.value, withoutQuery(path)));
}

export function matchesTemplate(config: Any | undefined, request: HttpRequest | undefined): Truth {
  if (request === undefined) return false;
  const template =
    config === undefined ? undefined : anyUnpack(config, UriTemplateMatchConfigSchema)?.pathTemplate;
  if (template === undefined) return open("a matcher of paths that isn't a template");
  return ofFact(request.path, "the path", (path) =>
    matchesRegex(templateRegex(template), withoutQuery(path)),
  );
}

export function withoutQuery(path: string): string {
  return path.split(/[?#]/, 1)[0] ?? "";
}

// What Envoy takes for a character of a path; `*` stands for one segment, `**` for any number of them.
const CHARACTER = "[a-zA-Z0-9\\-._~%!$&'()+,;=:@]";

function templateRegex(template: string): string {
  return template
    .split(/(\{[^}]*\}|\*\*|\*)/)
    .map((part) => {
      const wildcard = part.startsWith("{") ? (part.slice(1, -1).split("=")[1] ?? "*") : part;
      if (wildcard === "**") return `(?:${CHARACTER}|/)*`;
      if (wildcard === "*") return `${CHARACTER}+`;
      return part.startsWith("{") ? templateRegex(wildcard) : quoteForRegex(part);
    })
    .join("");
}
