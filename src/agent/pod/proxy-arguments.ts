// The arguments and environment of the pod's agent, as injection (ours or Istio's) writes them, read into one record.
// What they don't say has Istio's default.

import { isIP } from "node:net";
import { readCount, readDurationMs, readFlag, settingError } from "./environment-value.ts";

export interface ProxyArguments {
  readonly role: "sidecar" | "router";
  /** Such as `cluster.local`. */
  readonly clusterDomain: string;
  readonly logLevel: string;
  readonly componentLogLevel: string | undefined;
  /** Of the agent itself: `debug`, `info`, `warn` or `error`; undefined where nothing we know is asked for. */
  readonly agentLogLevel: string | undefined;
  /** Worker threads; undefined: one for each core. */
  readonly concurrency: number | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** After `proxy`; flags that don't concern us are passed over, so that old manifests go on working. */
export function parseProxyArguments(args: readonly string[], env: Environment): ProxyArguments {
  const flags = readFlags(args);
  const domain = flags.get("domain") ?? `${env.POD_NAMESPACE ?? "default"}.svc.cluster.local`;
  const asked = flags.get("concurrency") ?? readProxyConfig(env).concurrency;
  return {
    role: args[0] === "router" ? "router" : "sidecar",
    clusterDomain: domain.replace(/^.*?\.svc\./, ""),
    logLevel: flags.get("proxyLogLevel") ?? "warning",
    componentLogLevel: flags.get("proxyComponentLogLevel"),
    agentLogLevel: readLogLevel(flags.get("log_output_level") ?? ""),
    concurrency: resolveConcurrency(asked === undefined ? undefined : Number(asked), env.ISTIO_CPU_LIMIT),
  };
}

function readFlags(args: readonly string[]): ReadonlyMap<string, string> {
  const flags = new Map<string, string>();
  for (const [index, arg] of args.entries()) {
    const [, name, , value] = /^--([\w-]+)(=(.*))?$/s.exec(arg) ?? [];
    if (name !== undefined) flags.set(name, value ?? args[index + 1] ?? "");
  }
  return flags;
}

/** `default:debug`, `all:debug` or `debug`; scopes are of Istio's own program, which this isn't. */
function readLogLevel(text: string): string | undefined {
  const levels = text
    .split(",")
    .map((part) => /^(?:(?:default|all):)?(debug|info|warn|error)$/.exec(part.trim())?.[1]);
  return levels.find((level) => level !== undefined);
}

/** What is asked for counts, 0 being "all cores"; else the container's CPU limit, rounded up; else two. */
function resolveConcurrency(asked: number | undefined, cpuLimit: string | undefined): number | undefined {
  if (asked !== undefined) return asked > 0 ? asked : undefined;
  const limit = Math.ceil(Number(cpuLimit));
  return limit > 0 ? limit : 2;
}

/** The parts of ProxyConfig that are the agent's business. */
export interface AgentProxyConfig {
  readonly concurrency?: number;
  readonly binaryPath?: string;
  readonly discoveryAddress?: string;
  readonly controlPlaneAuthPolicy?: string;
  readonly drainDuration?: string;
  readonly terminationDrainDuration?: string;
  readonly proxyAdminPort?: number;
  readonly statusPort?: number;
  readonly proxyStatsMatcher?: { readonly inclusionPrefixes?: readonly string[] };
  readonly runtimeValues?: Readonly<Record<string, string>>;
}

/** Injection wrote it, as JSON; what isn't is our mistake and throws. */
export function readProxyConfig(env: Environment): AgentProxyConfig {
  return JSON.parse(env.PROXY_CONFIG || "{}") as AgentProxyConfig;
}

/** The program to run as Envoy: a path, or a name to look for in PATH. */
export function readEnvoyPath(env: Environment): string {
  return env.MELTEMI_ENVOY ?? readProxyConfig(env).binaryPath ?? "envoy";
}

export interface DrainTimes {
  readonly terminationDrainMs: number;
  readonly exitOnZeroActiveConnections: boolean;
  readonly minimumDrainMs: number;
  /** Over how long Envoy asks clients to leave. */
  readonly drainTimeSeconds: number;
}

const DEFAULT_DRAIN_MS = 5_000;
const DEFAULT_DRAIN_TIME_MS = 45_000;

export function readDrainTimes(
  env: Environment,
  defaults: Pick<DrainTimes, "terminationDrainMs"> = { terminationDrainMs: DEFAULT_DRAIN_MS },
): DrainTimes {
  const { terminationDrainDuration, drainDuration } = readProxyConfig(env);
  const ofConfig = { terminationDrainDuration, drainDuration };
  const annotatedSeconds = readCount(env, "TERMINATION_DRAIN_DURATION_SECONDS");
  const configuredMs = readDurationMs(ofConfig, "terminationDrainDuration") ?? defaults.terminationDrainMs;
  const drainTimeMs = readDurationMs(ofConfig, "drainDuration") ?? DEFAULT_DRAIN_TIME_MS;
  return {
    terminationDrainMs: annotatedSeconds === undefined ? configuredMs : annotatedSeconds * 1000,
    exitOnZeroActiveConnections: readFlag(env, "EXIT_ON_ZERO_ACTIVE_CONNECTIONS"),
    minimumDrainMs: readDurationMs(env, "MINIMUM_DRAIN_DURATION") ?? DEFAULT_DRAIN_MS,
    drainTimeSeconds: Math.ceil(drainTimeMs / 1000),
  };
}

/** How long a certificate is to live; the CA counts in seconds. Undefined: the agent's default. */
export function readSecretTtlMs(env: Environment): number | undefined {
  return readDurationMs(env, "SECRET_TTL", { leastMs: 1_000 });
}

export interface ControlPlaneHost {
  readonly host: string;
  readonly port: number;
  /** The DNS name in its certificate; undefined: plaintext was asked for. */
  readonly serverName: string | undefined;
}

export const DEFAULT_CONTROL_PLANE = "meltemi.meltemi-system.svc:15012";

/** `ISTIOD_SAN` names the control plane where its address isn't the name in its certificate. */
export function readControlPlane(env: Environment, address: string | undefined): ControlPlaneHost {
  const text = address || readProxyConfig(env).discoveryAddress || DEFAULT_CONTROL_PLANE;
  const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined) throw settingError("the control plane's address", text, "host:port");
  const named = isIP(host) === 0 ? host : "meltemi.meltemi-system.svc";
  const isPlaintext = readProxyConfig(env).controlPlaneAuthPolicy === "NONE";
  return { host, port: Number(port), serverName: isPlaintext ? undefined : (env.ISTIOD_SAN ?? named) };
}
