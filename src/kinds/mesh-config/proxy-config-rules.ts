// Rules for ProxyConfig, in the mesh's `defaultConfig` and in the annotation of a pod.

import { isIpAddress } from "../../core/cidr.ts";
import { parseDuration } from "../../core/duration.ts";
import { childPath } from "../../core/field-path.ts";
import { hostnameFault } from "../../core/hostname.ts";
import { checkTraceTags } from "../trace-rules.ts";
import type { Findings } from "../value-rules.ts";
import { checkDuration, checkNotNegative, checkPort, checkRange } from "../value-rules.ts";
import type { ProxyConfig } from "./proxy-config.ts";

const AUTO_ALLOCATE = "ISTIO_META_DNS_AUTO_ALLOCATE";

export function* checkProxyConfig(path: string, config: ProxyConfig | undefined): Findings {
  if (config === undefined) return;
  yield* checkNotNegative(path, config, ["concurrency"]);
  for (const name of ["proxyAdminPort", "statusPort"] as const) {
    if (config[name] !== 0) yield* checkPort(`${path}.${name}`, config[name]);
  }
  yield* checkWholeSeconds(`${path}.drainDuration`, config.drainDuration);
  yield* checkDuration(`${path}.terminationDrainDuration`, config.terminationDrainDuration);
  yield* checkAddress(`${path}.discoveryAddress`, config.discoveryAddress);
  yield* checkAddress(`${path}.statsdUdpAddress`, config.statsdUdpAddress);
  yield* checkAddress(`${path}.envoyAccessLogService.address`, config.envoyAccessLogService?.address);
  yield* checkAddress(`${path}.envoyMetricsService.address`, config.envoyMetricsService?.address);
  if (config.serviceCluster === "")
    yield { path: `${path}.serviceCluster`, message: "the name of the service's cluster is empty" };
  if (config.proxyMetadata?.[AUTO_ALLOCATE] !== undefined) {
    const message = `${AUTO_ALLOCATE} is deprecated: ServiceEntries without addresses get one for all proxies alike`;
    yield { severity: "warning", path: childPath(`${path}.proxyMetadata`, AUTO_ALLOCATE), message };
  }
  yield* checkTracing(`${path}.tracing`, config.tracing);
  yield* checkPrivateKeyProvider(`${path}.privateKeyProvider`, config.privateKeyProvider);
  const settings = config.connectionSettings;
  const place = `${path}.connectionSettings`;
  yield* checkNotNegative(place, settings, [
    "listenerPerConnectionBufferLimitBytes",
    "clusterPerConnectionBufferLimitBytes",
    "listenerConnectionLimit",
    "globalDownstreamConnectionLimit",
  ]);
  // HTTP/2 allows no window smaller than 65,535 (RFC 9113, section 6.9.2), and Envoy refuses it.
  for (const name of ["http2InitialStreamWindowSize", "http2InitialConnectionWindowSize"] as const) {
    yield* checkRange(`${place}.${name}`, settings?.[name], { minimum: 65535 });
  }
  yield* checkRange(`${place}.httpMaxConcurrentStreams`, settings?.httpMaxConcurrentStreams, { minimum: 1 });
}

function* checkTracing(path: string, tracing: ProxyConfig["tracing"]): Findings {
  if (tracing === undefined) return;
  yield* checkAddress(`${path}.zipkin.address`, tracing.zipkin?.address);
  yield* checkAddress(`${path}.datadog.address`, tracing.datadog?.address);
  yield* checkAddress(`${path}.lightstep.address`, tracing.lightstep?.address);
  yield* checkAccessToken(`${path}.lightstep`, tracing.lightstep);
  yield* checkRange(`${path}.sampling`, tracing.sampling, { minimum: 0, maximum: 100 });
  yield* checkTraceTags(`${path}.customTags`, tracing.customTags);
}

/** Lightstep takes no spans without a token. */
export function* checkAccessToken(
  path: string,
  lightstep: { readonly accessToken?: string } | undefined,
): Findings {
  if (lightstep === undefined || (lightstep.accessToken ?? "") !== "") return;
  yield { code: "MLT1006", path: `${path}.accessToken`, message: "Lightstep needs an access token" };
}

/** Of hardware that works off private keys in batches: how long a batch waits to fill. */
function* checkPrivateKeyProvider(path: string, provider: ProxyConfig["privateKeyProvider"]): Findings {
  for (const name of ["cryptomb", "qat"] as const) {
    const settings = provider?.[name];
    if (settings === undefined) continue;
    const { pollDelay } = settings;
    const duration = pollDelay === undefined ? undefined : parseDuration(pollDelay);
    if (pollDelay === undefined)
      yield { code: "MLT1006", path: `${path}.${name}.pollDelay`, message: '"pollDelay" is required' };
    else if (duration?.seconds === 0n && duration.nanos === 0)
      yield { path: `${path}.${name}.pollDelay`, message: `found "${pollDelay}", wanted more than 0s` };
  }
}

function* checkWholeSeconds(path: string, text: string | undefined): Findings {
  const duration = text === undefined ? undefined : parseDuration(text);
  if (duration === undefined) return;
  yield* checkDuration(path, text);
  if (duration.nanos !== 0) yield { path, message: `found "${text}", wanted whole seconds` };
}

/** HOST:PORT, where an IPv6 address stands in brackets. `$(HOST_IP)` is replaced when the pod starts. */
function* checkAddress(path: string, address: string | undefined): Findings {
  if (address === undefined || address === "") return;
  const [, bracketed, plain, port] = /^(?:\[(.*)\]|([^:]*)):(\d+)$/.exec(address) ?? [];
  const host = bracketed ?? plain ?? "";
  const isHost =
    isIpAddress(host) ||
    host === "$(HOST_IP)" ||
    (bracketed === undefined && hostnameFault(host) === undefined);
  if (port === undefined || !isHost)
    yield { path, message: `"${address}" isn't an address, wanted HOST:PORT` };
  else yield* checkPort(path, Number(port));
}
