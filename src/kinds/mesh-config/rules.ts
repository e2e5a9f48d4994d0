// What MeshConfig's schema can't say. Only what is set is checked: the rest has its default.

import { isIpAddress } from "../../core/cidr.ts";
import { parseDuration } from "../../core/duration.ts";
import { hostnameFault } from "../../core/hostname.ts";
import { checkLocalityLoadBalancer } from "../destination-rule/locality-rules.ts";
import { checkConnectionPool, checkOutlierDetection } from "../destination-rule/traffic-policy-rules.ts";
import type { TypeOf } from "../schema.ts";
import { checkTracer } from "../trace-rules.ts";
import type { Findings } from "../value-rules.ts";
import { checkDuration, checkDurations, checkPort, checkWildcardHostname } from "../value-rules.ts";
import { checkRetries } from "../virtual-service/http-rules.ts";
import type { ExtensionProvider } from "./extension-provider.ts";
import type { meshConfigSpec } from "./mesh-config-spec.ts";
import { checkAccessToken, checkProxyConfig } from "./proxy-config-rules.ts";

interface MeshConfigLike {
  readonly spec: TypeOf<typeof meshConfigSpec>;
}

export function* meshConfigRules({ spec }: MeshConfigLike): Findings {
  yield* checkPort("spec.proxyListenPort", spec.proxyListenPort);
  yield* checkPort("spec.proxyInboundListenPort", spec.proxyInboundListenPort);
  if (spec.proxyHttpPort !== 0) yield* checkPort("spec.proxyHttpPort", spec.proxyHttpPort);
  yield* checkDurations("spec", spec, ["connectTimeout", "dnsRefreshRate", "hboneIdleTimeout"]);
  yield* checkDetectionTimeout("spec.protocolDetectionTimeout", spec.protocolDetectionTimeout);
  yield* checkAccessLogFormat("spec.accessLogFormat", spec);
  for (const [index, domain] of [spec.trustDomain, ...(spec.trustDomainAliases ?? [])].entries()) {
    const path = index === 0 ? "spec.trustDomain" : `spec.trustDomainAliases[${index - 1}]`;
    if (domain !== undefined) yield* checkTrustDomain(path, domain);
  }
  yield* checkProxyConfig("spec.defaultConfig", spec.defaultConfig);
  for (const name of ["defaultHttpRetryPolicy", "defaultInboundHttpRetryPolicy"] as const)
    yield* checkRetries(`spec.${name}`, spec[name]);
  const policy = spec.defaultTrafficPolicy;
  yield* checkConnectionPool("spec.defaultTrafficPolicy.connectionPool", policy?.connectionPool);
  yield* checkOutlierDetection("spec.defaultTrafficPolicy.outlierDetection", policy?.outlierDetection);
  // Outlier detection is a matter of DestinationRules, so a failover without it is no mistake here.
  yield* checkLocalityLoadBalancer("spec.localityLbSetting", spec.localityLbSetting, true);
  yield* checkExtensionProviders(spec.extensionProviders ?? []);
  for (const [index, { hosts = [] }] of (spec.serviceSettings ?? []).entries()) {
    for (const [at, host] of hosts.entries()) {
      yield* checkWildcardHostname(`spec.serviceSettings[${index}].hosts[${at}]`, host);
    }
  }
}

function* checkAccessLogFormat(path: string, spec: MeshConfigLike["spec"]): Findings {
  const { accessLogFormat = "", accessLogEncoding } = spec;
  if (accessLogEncoding !== "JSON" || accessLogFormat === "" || isJsonObject(accessLogFormat)) return;
  yield { path, message: "with accessLogEncoding JSON it must be a JSON object of names and formats" };
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

// 0s switches detection off, and is the default.
function* checkDetectionTimeout(path: string, text: string | undefined): Findings {
  const duration = text === undefined ? undefined : parseDuration(text);
  if (duration === undefined || (duration.seconds === 0n && duration.nanos === 0)) return;
  yield* checkDuration(path, text);
}

function* checkTrustDomain(path: string, domain: string): Findings {
  const fault = hostnameFault(domain);
  if (fault !== undefined) yield { path, message: `"${domain}" isn't a trust domain: ${fault}` };
}

function* checkExtensionProviders(providers: readonly ExtensionProvider[]): Findings {
  const names = new Set<string>();
  for (const [index, provider] of providers.entries()) {
    const path = `spec.extensionProviders[${index}]`;
    const { name = "", ...settings } = provider;
    if (name === "") yield { code: "MLT1006", path: `${path}.name`, message: "a provider needs a name" };
    if (names.has(name)) yield { path: `${path}.name`, message: `there are two providers "${name}"` };
    names.add(name);
    const [[type, server] = []] = Object.entries(settings);
    if (type === undefined)
      yield { code: "MLT1006", path, message: "it doesn't say what kind of provider it is" };
    else if (server !== undefined) yield* checkServer(`${path}.${type}`, server);
    yield* checkAccessToken(`${path}.lightstep`, provider.lightstep);
    yield* checkTracer(path, provider);
  }
}

// Most providers are servers; the others have no field `service` in their schema.
function* checkServer(path: string, server: object): Findings {
  if (!("service" in server) || typeof server.service !== "string") return;
  const { service } = server;
  const port = "port" in server ? Number(server.port) : 0;
  const [host = "", namespace, ...more] = service.split("/").reverse();
  const isHost = isIpAddress(host) || hostnameFault(host) === undefined;
  if (!isHost || more.length > 0 || (namespace !== undefined && hostnameFault(namespace) !== undefined)) {
    const message = `"${service}" isn't a service, wanted HOST or NAMESPACE/HOST`;
    const hint = host.includes(":") ? "the port goes into a field of its own" : undefined;
    yield { path: `${path}.service`, message, ...(hint === undefined ? {} : { hint }) };
  }
  yield* checkPort(`${path}.port`, port);
}
