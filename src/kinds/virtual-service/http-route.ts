// What a VirtualService does with HTTP requests.

import type { TypeOf } from "../schema.ts";
import { bytes, choice, duration, flag, int32, list, message, real, text, uint32 } from "../schema.ts";
import { destination, headers, httpRouteDestination } from "./destination.ts";
import { httpMatchRequest, stringMatch } from "./matching.ts";

/** `Percent` */
export const percent = message({
  value: real(),
});

/** `HTTPRedirect.RedirectPortSelection` */
export const redirectPortSelection = choice("FROM_PROTOCOL_DEFAULT", "FROM_REQUEST_PORT");

/** `HTTPRedirect` */
export const httpRedirect = message(
  {
    uri: text(),
    authority: text(),
    port: uint32(),
    derivePort: redirectPortSelection,
    scheme: text(),
    redirectCode: uint32(),
    prefixRewrite: text(),
  },
  { oneofs: [["port", "derivePort"]] },
);

/** `HTTPBody` */
export const httpBody = message(
  {
    string: text(),
    bytes: bytes(),
  },
  { oneofs: [["string", "bytes"]] },
);

/** `HTTPDirectResponse` */
export const httpDirectResponse = message(
  {
    body: httpBody,
  },
  {
    required: {
      status: uint32(),
    },
  },
);

/** `Delegate` */
export const delegate = message({
  name: text(),
  namespace: text(),
});

/** `RegexRewrite` */
export const regexRewrite = message({
  match: text(),
  rewrite: text(),
});

/** `HTTPRewrite` */
export const httpRewrite = message({
  uri: text(),
  authority: text(),
  uriRegexRewrite: regexRewrite,
});

/** `HTTPRetry` */
export const httpRetry = message({
  attempts: int32(),
  perTryTimeout: duration(),
  retryOn: text(),
  retryRemoteLocalities: flag(),
  retryIgnorePreviousHosts: flag(),
  backoff: duration(),
});

/** `HTTPFaultInjection.Delay` */
export const httpFaultInjectionDelay = message(
  {
    percent: int32(), // deprecated
    fixedDelay: duration(),
    exponentialDelay: duration(),
    percentage: percent,
  },
  { oneofs: [["fixedDelay", "exponentialDelay"]] },
);

/** `HTTPFaultInjection.Abort` */
export const httpFaultInjectionAbort = message(
  {
    httpStatus: int32(),
    grpcStatus: text(),
    http2Error: text(),
    percentage: percent,
  },
  { oneofs: [["httpStatus", "grpcStatus", "http2Error"]] },
);

/** `HTTPFaultInjection` */
export const httpFaultInjection = message({
  delay: httpFaultInjectionDelay,
  abort: httpFaultInjectionAbort,
});

/** `HTTPMirrorPolicy` */
export const httpMirrorPolicy = message(
  {
    percentage: percent,
  },
  {
    required: {
      destination: destination,
    },
  },
);

/** `CorsPolicy.UnmatchedPreflights` */
export const corsPolicyUnmatchedPreflights = choice("UNSPECIFIED", "FORWARD", "IGNORE");

/** `CorsPolicy` */
export const corsPolicy = message({
  allowOrigin: list(text()), // deprecated
  allowOrigins: list(stringMatch),
  allowMethods: list(text()),
  allowHeaders: list(text()),
  exposeHeaders: list(text()),
  maxAge: duration(),
  allowCredentials: flag(),
  unmatchedPreflights: corsPolicyUnmatchedPreflights,
});

/** `HTTPRoute` */
export const httpRoute = message({
  name: text(),
  match: list(httpMatchRequest),
  route: list(httpRouteDestination),
  redirect: httpRedirect,
  directResponse: httpDirectResponse,
  delegate: delegate,
  rewrite: httpRewrite,
  timeout: duration(),
  retries: httpRetry,
  fault: httpFaultInjection,
  mirror: destination,
  mirrors: list(httpMirrorPolicy),
  mirrorPercent: uint32(), // deprecated
  mirrorPercentage: percent,
  corsPolicy: corsPolicy,
  headers: headers,
});

export type Percent = TypeOf<typeof percent>;
export type RedirectPortSelection = TypeOf<typeof redirectPortSelection>;
export type HttpRedirect = TypeOf<typeof httpRedirect>;
export type HttpBody = TypeOf<typeof httpBody>;
export type HttpDirectResponse = TypeOf<typeof httpDirectResponse>;
export type Delegate = TypeOf<typeof delegate>;
export type RegexRewrite = TypeOf<typeof regexRewrite>;
export type HttpRewrite = TypeOf<typeof httpRewrite>;
export type HttpRetry = TypeOf<typeof httpRetry>;
export type HttpFaultInjectionDelay = TypeOf<typeof httpFaultInjectionDelay>;
export type HttpFaultInjectionAbort = TypeOf<typeof httpFaultInjectionAbort>;
export type HttpFaultInjection = TypeOf<typeof httpFaultInjection>;
export type HttpMirrorPolicy = TypeOf<typeof httpMirrorPolicy>;
export type CorsPolicyUnmatchedPreflights = TypeOf<typeof corsPolicyUnmatchedPreflights>;
export type CorsPolicy = TypeOf<typeof corsPolicy>;
export type HttpRoute = TypeOf<typeof httpRoute>;
