// The headers a service passes on to the services it calls: those that tie the spans of one trace together,
// and `end-user`, by which routes may choose. The mesh can't do this: only the app knows which call caused which.

import type { IncomingHttpHeaders } from "node:http";

const FORWARDED = [
  "end-user",
  "x-request-id",
  "traceparent",
  "tracestate",
  "baggage",
  "b3",
  "x-b3-traceid",
  "x-b3-spanid",
  "x-b3-parentspanid",
  "x-b3-sampled",
  "x-b3-flags",
  "x-ot-span-context",
];

export type ForwardedHeaders = Readonly<Record<string, string>>;

export function forwardedHeaders(incoming: IncomingHttpHeaders): ForwardedHeaders {
  const headers: Record<string, string> = {};
  for (const name of FORWARDED) {
    const value = incoming[name];
    if (typeof value === "string") headers[name] = value;
  }
  return headers;
}
