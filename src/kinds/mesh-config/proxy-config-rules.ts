// Rules for ProxyConfig, in the mesh's `defaultConfig` and in the annotation of a pod.

import { isIpAddress } from "../../core/cidr.ts";
import { parseDuration } from "../../core/duration.ts";
import { hostnameFault } from "../../core/hostname.ts";
import type { Findings } from "../value-rules.ts";
import { checkDuration, checkNotNegative, checkPort, checkRange } from "../value-rules.ts";
import type { ProxyConfig } from "./proxy-config.ts";

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
  yield* checkTracing(`${path}.tracing`, config.tracing);
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
  yield* checkRange(`${path}.sampling`, tracing.sampling, { minimum: 0, maximum: 100 });
  for (const [name, tag] of Object.entries(tracing.customTags ?? {})) {
    if (Object.keys(tag).length === 0) {
      yield { path: `${path}.customTags`, message: `tag "${name}" needs literal, environment or header` };
    }
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
