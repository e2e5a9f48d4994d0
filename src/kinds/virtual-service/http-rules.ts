// Rules for one HTTP route of a VirtualService.

import { grpcStatusNames } from "../../core/grpc-status-name.ts";
import { spellingHint } from "../../core/nearest-spelling.ts";
import type { Findings } from "../value-rules.ts";
import { checkDuration, checkHeaderName, checkRange, regexFault } from "../value-rules.ts";
import type { Headers } from "./destination.ts";
import { checkDestination, checkWeights } from "./destination-rules.ts";
import type {
  CorsPolicy,
  HttpDirectResponse,
  HttpFaultInjection,
  HttpRedirect,
  HttpRetry,
  HttpRewrite,
  HttpRoute,
} from "./http-route.ts";
import { checkHttpMatch, checkStringMatch } from "./matching-rules.ts";

export function* checkHttpRoute(
  path: string,
  route: HttpRoute,
  options: { readonly isDelegate: boolean },
): Findings {
  if (route.delegate === undefined) yield* checkAction(path, route);
  else yield* checkRoot(path, route, options);
  for (const [index, match] of (route.match ?? []).entries())
    yield* checkHttpMatch(`${path}.match[${index}]`, match);
  yield* checkHeaders(`${path}.headers`, route.headers);
  for (const [index, { destination, headers }] of (route.route ?? []).entries()) {
    yield* checkDestination(`${path}.route[${index}].destination`, destination);
    yield* checkHeaders(`${path}.route[${index}].headers`, headers);
  }
  yield* checkWeights(`${path}.route`, route.route ?? []);
  yield* checkDuration(`${path}.timeout`, route.timeout);
  yield* checkRedirect(`${path}.redirect`, route.redirect, route);
  yield* checkRewrite(`${path}.rewrite`, route.rewrite);
  yield* checkAuthority(path, route);
  yield* checkDirectResponse(`${path}.directResponse`, route.directResponse);
  yield* checkRetries(`${path}.retries`, route.retries);
  yield* checkFault(`${path}.fault`, route.fault);
  yield* checkCors(`${path}.corsPolicy`, route.corsPolicy);
  yield* checkMirrors(path, route);
}

// Fields of which a route may have only some together.
function* checkAction(path: string, route: HttpRoute): Findings {
  const action = route.redirect !== undefined ? "redirect" : "directResponse";
  const hasRoute = (route.route ?? []).length > 0;
  if (route.redirect === undefined && route.directResponse === undefined) {
    if (!hasRoute) {
      yield {
        code: "MLT1006",
        path,
        message: "an HTTP route needs route, redirect, directResponse or delegate",
      };
    }
    return;
  }
  if (hasRoute) yield { path: `${path}.route`, message: `route and ${action} are both set, only one may be` };
  if (route.fault !== undefined)
    yield { path: `${path}.fault`, message: `fault has no place beside ${action}` };
  if (route.rewrite !== undefined)
    yield { path: `${path}.rewrite`, message: `rewrite has no place beside ${action}` };
  if (route.redirect !== undefined && route.directResponse !== undefined) {
    yield {
      path: `${path}.directResponse`,
      message: "redirect and directResponse are both set, only one may be",
    };
  }
}

const absentInRoot = [
  "route",
  "redirect",
  "directResponse",
  "fault",
] as const satisfies readonly (keyof HttpRoute)[];

function* checkRoot(
  path: string,
  route: HttpRoute,
  { isDelegate }: { readonly isDelegate: boolean },
): Findings {
  if (isDelegate) yield { path: `${path}.delegate`, message: "a delegate can't delegate further" };
  for (const name of absentInRoot) {
    if (route[name] !== undefined)
      yield { path: `${path}.${name}`, message: `${name} has no place beside delegate` };
  }
}

function* checkHeaders(path: string, headers: Headers | undefined): Findings {
  for (const direction of ["request", "response"] as const) {
    const { add = {}, set = {}, remove = [] } = headers?.[direction] ?? {};
    for (const [name, value] of [...Object.entries(add), ...Object.entries(set)]) {
      yield* checkHeaderName(`${path}.${direction}`, name);
      yield* checkHeaderValue(`${path}.${direction}`, name, value);
    }
    for (const name of remove) yield* checkHeaderName(`${path}.${direction}.remove`, name);
  }
}

// Envoy reads %COMMAND(…)% in values; a percent sign of one's own is written twice.
function* checkHeaderValue(path: string, name: string, value: string): Findings {
  const variable = /%(?:[A-Z0-9_]+(?:\([^)]*\))?(?::\d+)?)?%/y;
  for (let at = value.indexOf("%"); at !== -1; at = value.indexOf("%", variable.lastIndex)) {
    variable.lastIndex = at;
    // One that doesn't end ends the search: going on from each would cost the square of the value's length.
    if (variable.test(value)) continue;
    const hint = 'write "%%" for a percent sign';
    yield { path, message: `the value "${value}" of header "${name}" has a variable without an end`, hint };
    return;
  }
}

function* checkRedirect(path: string, redirect: HttpRedirect | undefined, route: HttpRoute): Findings {
  if (redirect === undefined) return;
  const { redirectCode: code, prefixRewrite } = redirect;
  if (code !== undefined && code !== 0) {
    yield* checkRange(`${path}.redirectCode`, code, { minimum: 300, maximum: 399 });
  }
  const isByPrefix = (route.match ?? []).every(({ uri }) => uri?.prefix !== undefined);
  if (prefixRewrite !== undefined && prefixRewrite !== "" && !isByPrefix) {
    yield { path: `${path}.prefixRewrite`, message: "it needs a prefix in uri of every match" };
  }
}

function* checkRewrite(path: string, rewrite: HttpRewrite | undefined): Findings {
  if (rewrite === undefined) return;
  const { uri = "", uriRegexRewrite, authority = "" } = rewrite;
  if (uri === "" && uriRegexRewrite === undefined && authority === "") {
    yield { code: "MLT1006", path, message: "a rewrite needs uri, uriRegexRewrite or authority" };
  }
  if (uriRegexRewrite === undefined) return;
  if (uri !== "")
    yield { path: `${path}.uri`, message: "uri and uriRegexRewrite are both set, only one may be" };
  if ((uriRegexRewrite.match ?? "") === "" || (uriRegexRewrite.rewrite ?? "") === "") {
    yield { code: "MLT1006", path: `${path}.uriRegexRewrite`, message: "it needs both match and rewrite" };
  }
  const fault = regexFault(uriRegexRewrite.match ?? "");
  if (fault !== undefined)
    yield { path: `${path}.uriRegexRewrite.match`, message: `it isn't a regular expression: ${fault}` };
}

function* checkAuthority(path: string, route: HttpRoute): Findings {
  const authority = route.rewrite?.authority ?? "";
  for (const name of authority === "" ? [] : Object.keys(route.headers?.request?.set ?? {})) {
    if ([":authority", "host"].includes(name.toLowerCase())) {
      const message = `rewrite.authority and the header "${name}" both set the authority, only one may`;
      yield { path: `${path}.rewrite.authority`, message };
    }
  }
}

const MAX_BODY_LENGTH = 1024 * 1024;

function* checkDirectResponse(path: string, response: HttpDirectResponse | undefined): Findings {
  if (response === undefined) return;
  yield* checkRange(`${path}.status`, response.status, { minimum: 200, maximum: 599 });
  const length = response.body?.string?.length ?? ((response.body?.bytes?.length ?? 0) * 3) / 4;
  if (length >= MAX_BODY_LENGTH)
    yield { path: `${path}.body`, message: "the body must be smaller than 1 MiB" };
}

const retryPolicies = [
  "5xx",
  "gateway-error",
  "reset",
  "reset-before-request",
  "connect-failure",
  "envoy-ratelimited",
  "retriable-4xx",
  "refused-stream",
  "retriable-status-codes",
  "retriable-headers",
  "http3-post-connect-failure",
  "cancelled",
  "deadline-exceeded",
  "internal",
  "resource-exhausted",
  "unavailable",
];

export function* checkRetries(path: string, retries: HttpRetry | undefined): Findings {
  if (retries === undefined) return;
  const { attempts = 0, perTryTimeout, retryOn = "", retryRemoteLocalities } = retries;
  yield* checkRange(`${path}.attempts`, attempts, { minimum: 0 });
  const hasPolicy = perTryTimeout !== undefined || retryOn !== "" || retryRemoteLocalities !== undefined;
  if (attempts === 0 && hasPolicy) {
    yield {
      path: `${path}.attempts`,
      message: "0 attempts disable retries, so the other settings have no effect",
    };
  }
  yield* checkDuration(`${path}.perTryTimeout`, perTryTimeout);
  yield* checkDuration(`${path}.backoff`, retries.backoff);
  for (const policy of retryOn === "" ? [] : retryOn.split(",")) {
    const name = policy.trim();
    if (retryPolicies.includes(name) || /^[1-5]\d\d$/.test(name)) continue;
    const hint = spellingHint(name, retryPolicies);
    const message = `"${name}" is neither a retry condition of Envoy's nor an HTTP status`;
    yield { path: `${path}.retryOn`, message, ...(hint === undefined ? {} : { hint }) };
  }
}

function* checkFault(path: string, fault: HttpFaultInjection | undefined): Findings {
  if (fault === undefined) return;
  if (fault.abort === undefined && fault.delay === undefined) {
    yield { code: "MLT1006", path, message: "a fault needs abort or delay" };
  }
  const { abort, delay } = fault;
  yield* checkPercentage(`${path}.abort.percentage`, abort?.percentage?.value);
  yield* checkRange(`${path}.abort.httpStatus`, abort?.httpStatus, { minimum: 200, maximum: 599 });
  if (abort?.grpcStatus !== undefined && !grpcStatusNames.includes(abort.grpcStatus)) {
    const hint = spellingHint(abort.grpcStatus, grpcStatusNames);
    const message = `"${abort.grpcStatus}" isn't a gRPC status`;
    yield { path: `${path}.abort.grpcStatus`, message, ...(hint === undefined ? {} : { hint }) };
  }
  yield* checkPercentage(`${path}.delay.percentage`, delay?.percentage?.value);
  yield* checkRange(`${path}.delay.percent`, delay?.percent, { minimum: 0, maximum: 100 });
  yield* checkDuration(`${path}.delay.fixedDelay`, delay?.fixedDelay);
  if (delay !== undefined && delay.fixedDelay === undefined && delay.exponentialDelay === undefined) {
    yield { code: "MLT1006", path: `${path}.delay.fixedDelay`, message: '"fixedDelay" is required' };
  }
}

// Envoy counts in millionths, so a smaller share would be none.
function* checkPercentage(path: string, percentage: number | undefined): Findings {
  if (percentage === undefined || percentage === 0) return;
  yield* checkRange(`${path}.value`, percentage, { minimum: 0.0001, maximum: 100 });
}

const corsMethods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "*"];

function* checkCors(path: string, cors: CorsPolicy | undefined): Findings {
  if (cors === undefined) return;
  for (const [index, origin] of (cors.allowOrigins ?? []).entries()) {
    const place = `${path}.allowOrigins[${index}]`;
    const isSet = [origin.exact, origin.prefix, origin.regex].some(
      (value) => value !== undefined && value !== "",
    );
    if (!isSet) yield { path: place, message: "it needs exact, prefix or regex, not empty" };
    else yield* checkStringMatch(place, origin);
  }
  for (const [index, method] of (cors.allowMethods ?? []).entries()) {
    if (!corsMethods.includes(method)) {
      yield { path: `${path}.allowMethods[${index}]`, message: `"${method}" isn't an HTTP method` };
    }
  }
  for (const name of [...(cors.allowHeaders ?? []), ...(cors.exposeHeaders ?? [])])
    yield* checkHeaderName(path, name);
  yield* checkDuration(`${path}.maxAge`, cors.maxAge);
}

function* checkMirrors(path: string, route: HttpRoute): Findings {
  if (route.mirror !== undefined) yield* checkDestination(`${path}.mirror`, route.mirror);
  if (route.mirror !== undefined && (route.mirrors ?? []).length > 0) {
    yield { path: `${path}.mirrors`, message: "mirror and mirrors are both set, only one may be" };
  }
  for (const [index, { destination, percentage }] of (route.mirrors ?? []).entries()) {
    yield* checkDestination(`${path}.mirrors[${index}].destination`, destination);
    yield* checkRange(`${path}.mirrors[${index}].percentage.value`, percentage?.value, {
      minimum: 0,
      maximum: 100,
    });
  }
  if (route.mirrorPercent !== undefined) {
    yield* checkRange(`${path}.mirrorPercent`, route.mirrorPercent, { minimum: 0, maximum: 100 });
    const message = "mirrorPercent is deprecated, use mirrorPercentage";
    yield { severity: "warning", path: `${path}.mirrorPercent`, message };
  }
  const share = route.mirrorPercentage?.value;
  yield* checkRange(`${path}.mirrorPercentage.value`, share, { minimum: 0, maximum: 100 });
}
