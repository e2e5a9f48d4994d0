// The older form of tracing settings, in ProxyConfig.

import { clientTlsSettings } from "../destination-rule/client-tls.ts";
import type { TypeOf } from "../schema.ts";
import { choice, flag, int64, list, map, message, real, text, uint32 } from "../schema.ts";

/** `Tracing.Zipkin` */
export const tracingZipkin = message({
  address: text(),
});

/** `Tracing.Lightstep` */
export const tracingLightstep = message({
  address: text(),
  accessToken: text(),
});

/** `Tracing.Datadog` */
export const tracingDatadog = message({
  address: text(),
});

/** `Tracing.Stackdriver` */
export const tracingStackdriver = message({
  debug: flag(),
  maxNumberOfAttributes: int64(),
  maxNumberOfAnnotations: int64(),
  maxNumberOfMessageEvents: int64(),
});

/** `Tracing.OpenCensusAgent.TraceContext` */
export const tracingOpenCensusAgentTraceContext = choice(
  "UNSPECIFIED",
  "W3C_TRACE_CONTEXT",
  "GRPC_BIN",
  "CLOUD_TRACE_CONTEXT",
  "B3",
);

/** `Tracing.OpenCensusAgent` */
export const tracingOpenCensusAgent = message({
  address: text(),
  context: list(tracingOpenCensusAgentTraceContext),
});

/** `Tracing.Literal` */
export const tracingLiteral = message({
  value: text(),
});

/** `Tracing.Environment` */
export const tracingEnvironment = message({
  name: text(),
  defaultValue: text(),
});

/** `Tracing.RequestHeader` */
export const tracingRequestHeader = message({
  name: text(),
  defaultValue: text(),
});

/** `Tracing.CustomTag` */
export const tracingCustomTag = message(
  {
    literal: tracingLiteral,
    environment: tracingEnvironment,
    header: tracingRequestHeader,
  },
  { oneofs: [["literal", "environment", "header"]] },
);

/** `Tracing` */
export const proxyTracing = message(
  {
    zipkin: tracingZipkin,
    lightstep: tracingLightstep,
    datadog: tracingDatadog,
    stackdriver: tracingStackdriver,
    openCensusAgent: tracingOpenCensusAgent,
    customTags: map(tracingCustomTag),
    maxPathTagLength: uint32(),
    sampling: real(),
    tlsSettings: clientTlsSettings,
    enableIstioTags: flag(),
  },
  { oneofs: [["zipkin", "lightstep", "datadog", "stackdriver", "openCensusAgent"]] },
);

export type TracingZipkin = TypeOf<typeof tracingZipkin>;
export type TracingLightstep = TypeOf<typeof tracingLightstep>;
export type TracingDatadog = TypeOf<typeof tracingDatadog>;
export type TracingStackdriver = TypeOf<typeof tracingStackdriver>;
export type TracingOpenCensusAgentTraceContext = TypeOf<typeof tracingOpenCensusAgentTraceContext>;
export type TracingOpenCensusAgent = TypeOf<typeof tracingOpenCensusAgent>;
export type TracingLiteral = TypeOf<typeof tracingLiteral>;
export type TracingEnvironment = TypeOf<typeof tracingEnvironment>;
export type TracingRequestHeader = TypeOf<typeof tracingRequestHeader>;
export type TracingCustomTag = TypeOf<typeof tracingCustomTag>;
export type ProxyTracing = TypeOf<typeof proxyTracing>;
