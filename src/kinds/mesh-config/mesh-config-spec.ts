// The schema of the spec of kind MeshConfig, and the types that follow from it.

import { tcpKeepalive } from "../destination-rule/connection-pool.ts";
import {
  localityLoadBalancerSetting,
  zoneAwareLoadBalancerSetting,
} from "../destination-rule/load-balancer.ts";
import type { TypeOf } from "../schema.ts";
import { duration, flag, int32, list, message, text } from "../schema.ts";
import { httpRetry } from "../virtual-service/http-route.ts";
import { extensionProvider } from "./extension-provider.ts";
import {
  certificate,
  configSource,
  meshAccessLogEncoding,
  meshCa,
  meshCertificateData,
  meshDefaultProviders,
  meshDefaultTrafficPolicy,
  meshH2UpgradePolicy,
  meshInboundTrafficPolicy,
  meshIngressControllerMode,
  meshOutboundTrafficPolicy,
  meshTlsConfig,
  pathNormalization,
} from "./mesh-settings.ts";
import { proxyConfig } from "./proxy-config.ts";
import {
  meshLabelSelector,
  serviceEntryVisibility,
  serviceScopeConfigs,
  serviceSettings,
} from "./service-scope.ts";

export const meshConfigSpec = message({
  proxyListenPort: int32(),
  proxyInboundListenPort: int32(),
  proxyHttpPort: int32(),
  connectTimeout: duration(),
  hboneIdleTimeout: duration(),
  protocolDetectionTimeout: duration(),
  tcpKeepalive,
  ingressClass: text(),
  ingressService: text(),
  ingressControllerMode: meshIngressControllerMode,
  ingressSelector: text(),
  enableTracing: flag(),
  accessLogFile: text(),
  accessLogFormat: text(),
  accessLogEncoding: meshAccessLogEncoding,
  enableEnvoyAccessLogService: flag(),
  disableEnvoyListenerLog: flag(),
  defaultConfig: proxyConfig,
  outboundTrafficPolicy: meshOutboundTrafficPolicy,
  inboundTrafficPolicy: meshInboundTrafficPolicy,
  configSources: list(configSource),
  enableAutoMtls: flag(),
  trustDomain: text(),
  trustDomainAliases: list(text()),
  caCertificates: list(meshCertificateData),
  defaultServiceExportTo: list(text()),
  defaultVirtualServiceExportTo: list(text()),
  defaultDestinationRuleExportTo: list(text()),
  rootNamespace: text(),
  localityLbSetting: localityLoadBalancerSetting,
  zoneAwareLbSetting: zoneAwareLoadBalancerSetting,
  dnsRefreshRate: duration(),
  h2UpgradePolicy: meshH2UpgradePolicy,
  inboundClusterStatName: text(),
  outboundClusterStatName: text(),
  certificates: list(certificate), // deprecated
  serviceSettings: list(serviceSettings),
  serviceScopeConfigs: list(serviceScopeConfigs),
  enablePrometheusMerge: flag(),
  verifyCertificateAtClient: flag(), // deprecated
  ca: meshCa,
  extensionProviders: list(extensionProvider),
  defaultProviders: meshDefaultProviders,
  discoverySelectors: list(meshLabelSelector),
  pathNormalization,
  defaultHttpRetryPolicy: httpRetry,
  defaultInboundHttpRetryPolicy: httpRetry,
  meshMTLS: meshTlsConfig,
  tlsDefaults: meshTlsConfig,
  defaultTrafficPolicy: meshDefaultTrafficPolicy,
  serviceEntryVisibility,
});

export type MeshConfigSpec = TypeOf<typeof meshConfigSpec>;
