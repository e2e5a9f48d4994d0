// The parts of MeshConfig that are about traffic, trust and certificates.

import { clientTlsSettings } from "../destination-rule/client-tls.ts";
import { connectionPoolSettings, outlierDetection } from "../destination-rule/connection-pool.ts";
import type { TypeOf } from "../schema.ts";
import { choice, duration, flag, list, message, text } from "../schema.ts";

/** `MeshConfig.IngressControllerMode` */
export const meshIngressControllerMode = choice("UNSPECIFIED", "OFF", "DEFAULT", "STRICT");

/** `MeshConfig.AccessLogEncoding` */
export const meshAccessLogEncoding = choice("TEXT", "JSON");

/** `MeshConfig.OutboundTrafficPolicy.Mode` */
export const meshOutboundTrafficPolicyMode = choice("REGISTRY_ONLY", "ALLOW_ANY", "ALLOW_ANY_DYNAMIC_DNS");

/** `MeshConfig.OutboundTrafficPolicy` */
export const meshOutboundTrafficPolicy = message({
  mode: meshOutboundTrafficPolicyMode,
  tls: clientTlsSettings,
});

/** `MeshConfig.InboundTrafficPolicy.Mode` */
export const meshInboundTrafficPolicyMode = choice("PASSTHROUGH", "LOCALHOST");

/** `MeshConfig.InboundTrafficPolicy` */
export const meshInboundTrafficPolicy = message({
  mode: meshInboundTrafficPolicyMode,
});

/** `Resource` */
export const configSourceResource = choice("SERVICE_REGISTRY");

/** `ConfigSource` */
export const configSource = message({
  address: text(),
  tlsSettings: clientTlsSettings,
  subscribedResources: list(configSourceResource),
});

/** `MeshConfig.CertificateData` */
export const meshCertificateData = message(
  {
    pem: text(),
    spiffeBundleUrl: text(),
    certSigners: list(text()),
    trustDomains: list(text()),
  },
  { oneofs: [["pem", "spiffeBundleUrl"]] },
);

/** `MeshConfig.H2UpgradePolicy` */
export const meshH2UpgradePolicy = choice("DO_NOT_UPGRADE", "UPGRADE");

/** `Certificate` */
export const certificate = message({
  secretName: text(),
  dnsNames: list(text()),
});

/** `MeshConfig.CA` */
export const meshCa = message({
  address: text(),
  tlsSettings: clientTlsSettings,
  requestTimeout: duration(),
  istiodSide: flag(),
});

/** `MeshConfig.DefaultProviders` */
export const meshDefaultProviders = message({
  tracing: list(text()),
  metrics: list(text()),
  accessLogging: list(text()),
});

/** `MeshConfig.ProxyPathNormalization.NormalizationType` */
export const normalizationType = choice(
  "DEFAULT",
  "NONE",
  "BASE",
  "MERGE_SLASHES",
  "DECODE_AND_MERGE_SLASHES",
);

/** `MeshConfig.ProxyPathNormalization` */
export const pathNormalization = message({
  normalization: normalizationType,
});

/** `MeshConfig.TLSConfig.TLSProtocol` */
export const meshTlsProtocol = choice("TLS_AUTO", "TLSV1_2", "TLSV1_3");

/** `MeshConfig.TLSConfig` */
export const meshTlsConfig = message({
  minProtocolVersion: meshTlsProtocol,
  ecdhCurves: list(text()),
  cipherSuites: list(text()),
});

/** `MeshConfig.DefaultTrafficPolicy` */
export const meshDefaultTrafficPolicy = message({
  connectionPool: connectionPoolSettings,
  outlierDetection: outlierDetection,
});

export type MeshIngressControllerMode = TypeOf<typeof meshIngressControllerMode>;
export type MeshAccessLogEncoding = TypeOf<typeof meshAccessLogEncoding>;
export type MeshOutboundTrafficPolicyMode = TypeOf<typeof meshOutboundTrafficPolicyMode>;
export type MeshOutboundTrafficPolicy = TypeOf<typeof meshOutboundTrafficPolicy>;
export type MeshInboundTrafficPolicyMode = TypeOf<typeof meshInboundTrafficPolicyMode>;
export type MeshInboundTrafficPolicy = TypeOf<typeof meshInboundTrafficPolicy>;
export type ConfigSourceResource = TypeOf<typeof configSourceResource>;
export type ConfigSource = TypeOf<typeof configSource>;
export type MeshCertificateData = TypeOf<typeof meshCertificateData>;
export type MeshH2UpgradePolicy = TypeOf<typeof meshH2UpgradePolicy>;
export type Certificate = TypeOf<typeof certificate>;
export type MeshCa = TypeOf<typeof meshCa>;
export type MeshDefaultProviders = TypeOf<typeof meshDefaultProviders>;
export type NormalizationType = TypeOf<typeof normalizationType>;
export type PathNormalization = TypeOf<typeof pathNormalization>;
export type MeshTlsProtocol = TypeOf<typeof meshTlsProtocol>;
export type MeshTlsConfig = TypeOf<typeof meshTlsConfig>;
export type MeshDefaultTrafficPolicy = TypeOf<typeof meshDefaultTrafficPolicy>;
