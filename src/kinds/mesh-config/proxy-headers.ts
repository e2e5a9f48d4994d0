// Which headers proxies add, and what they say of a client certificate.

import type { TypeOf } from "../schema.ts";
import { choice, flag, message, text } from "../schema.ts";

/** `ForwardClientCertDetails` */
export const forwardClientCertDetails = choice(
  "UNDEFINED",
  "SANITIZE",
  "FORWARD_ONLY",
  "APPEND_FORWARD",
  "SANITIZE_SET",
  "ALWAYS_FORWARD_ONLY",
);

/** `ProxyConfig.ProxyHeaders.SetCurrentClientCertDetails` */
export const proxyHeadersSetCurrentClientCertDetails = message({
  subject: flag(),
  cert: flag(),
  chain: flag(),
  dns: flag(),
  uri: flag(),
});

/** `ProxyConfig.ProxyHeaders.RequestId` */
export const proxyHeadersRequestId = message({
  disabled: flag(),
});

/** `ProxyConfig.ProxyHeaders.Server` */
export const proxyHeadersServer = message({
  disabled: flag(),
  value: text(),
});

/** `ProxyConfig.ProxyHeaders.AttemptCount` */
export const proxyHeadersAttemptCount = message({
  disabled: flag(),
});

/** `ProxyConfig.ProxyHeaders.EnvoyDebugHeaders` */
export const proxyHeadersEnvoyDebugHeaders = message({
  disabled: flag(),
});

/** `ProxyConfig.ProxyHeaders.MetadataExchangeMode` */
export const proxyHeadersMetadataExchangeMode = choice("UNDEFINED", "IN_MESH");

/** `ProxyConfig.ProxyHeaders.MetadataExchangeHeaders` */
export const proxyHeadersMetadataExchangeHeaders = message({
  mode: proxyHeadersMetadataExchangeMode,
});

/** `ProxyConfig.ProxyHeaders.XForwardedHost` */
export const proxyHeadersXForwardedHost = message({
  enabled: flag(),
});

/** `ProxyConfig.ProxyHeaders.XForwardedPort` */
export const proxyHeadersXForwardedPort = message({
  enabled: flag(),
});

/** `ProxyConfig.ProxyHeaders` */
export const proxyHeaders = message({
  forwardedClientCert: forwardClientCertDetails,
  setCurrentClientCertDetails: proxyHeadersSetCurrentClientCertDetails,
  requestId: proxyHeadersRequestId,
  server: proxyHeadersServer,
  attemptCount: proxyHeadersAttemptCount,
  envoyDebugHeaders: proxyHeadersEnvoyDebugHeaders,
  metadataExchangeHeaders: proxyHeadersMetadataExchangeHeaders,
  preserveHttp1HeaderCase: flag(),
  xForwardedHost: proxyHeadersXForwardedHost,
  xForwardedPort: proxyHeadersXForwardedPort,
});

export type ForwardClientCertDetails = TypeOf<typeof forwardClientCertDetails>;
export type ProxyHeadersSetCurrentClientCertDetails = TypeOf<typeof proxyHeadersSetCurrentClientCertDetails>;
export type ProxyHeadersRequestId = TypeOf<typeof proxyHeadersRequestId>;
export type ProxyHeadersServer = TypeOf<typeof proxyHeadersServer>;
export type ProxyHeadersAttemptCount = TypeOf<typeof proxyHeadersAttemptCount>;
export type ProxyHeadersEnvoyDebugHeaders = TypeOf<typeof proxyHeadersEnvoyDebugHeaders>;
export type ProxyHeadersMetadataExchangeMode = TypeOf<typeof proxyHeadersMetadataExchangeMode>;
export type ProxyHeadersMetadataExchangeHeaders = TypeOf<typeof proxyHeadersMetadataExchangeHeaders>;
export type ProxyHeadersXForwardedHost = TypeOf<typeof proxyHeadersXForwardedHost>;
export type ProxyHeadersXForwardedPort = TypeOf<typeof proxyHeadersXForwardedPort>;
export type ProxyHeaders = TypeOf<typeof proxyHeaders>;
