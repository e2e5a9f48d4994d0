// What the control plane is told, on its command line and by its pod's environment.

import { parseArgs } from "node:util";
import { type Cidr, parseCidr } from "../core/cidr.ts";
import { parseDurationMs } from "../core/duration.ts";
import { parseTlsCompliance, type TlsCompliance } from "../core/tls-compliance.ts";
import type { NativeSidecarWish } from "../inject/native-sidecars.ts";
import { parseNativeSidecarWish } from "../inject/native-sidecars.ts";
import { readVersion } from "../process/project.ts";

/** On one machine. */
export interface LocalSettings {
  readonly mode: "local";
  /** Of the local mesh; holds the sockets, the CA and the store's socket. */
  readonly stateDirectory: string;
  /** Where proxies find xDS and certificates, over mTLS. */
  readonly xdsSocket: string;
  readonly tlsCompliance: TlsCompliance | undefined;
}

/** In a cluster, or beside one with a kubeconfig. */
export interface ClusterSettings {
  readonly mode: "kubernetes";
  /** Instead of the files that a pod has. */
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  /** Of the control plane's own objects. */
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly revision: string;
  /** Unique among replicas, but for restarts. */
  readonly podName: string;
  readonly xdsPort: number;
  readonly monitoringPort: number;
  readonly webhookPort: number;
  /** Of the admin interface once more, on loopback, where istioctl looks for it; none unless given. */
  readonly controlzPort: number | undefined;
  /** Of the Service by which pods reach the control plane. */
  readonly serviceName: string;
  /** Of the agent and of the container that sets up interception. */
  readonly agentImage: string;
  /** Of injected pods, in their own namespaces. */
  readonly imagePullSecrets: readonly string[];
  /** Who sets up interception in injected pods. */
  readonly capture: "init" | "cni";
  /** Where pods don't say it themselves. */
  readonly nativeSidecars: NativeSidecarWish;
  /** xDS without TLS, on loopback alone; none unless given. */
  readonly plaintextPort: number | undefined;
  /** After it, give or take 10 %, a client connects again: so that new replicas get their share. */
  readonly maxConnectionAgeMs: number;
  readonly ignoredResources: readonly string[];
  readonly includedResources: readonly string[];
  /** No keys of token issuers are fetched from there. */
  readonly forbiddenKeyAddresses: readonly Cidr[];
  readonly tlsCompliance: TlsCompliance | undefined;
}

export type ControlPlaneSettings = LocalSettings | ClusterSettings;

type Environment = Readonly<Record<string, string | undefined>>;

export const USAGE = `usage: control-plane --state-dir DIRECTORY --xds-socket PATH
       control-plane --kubernetes [--kubeconfig FILE] [--context NAME] [--namespace NAME] [--revision NAME]
                     [--xds-port N] [--monitoring-port N] [--webhook-port N]
                     [--plaintext-port N] [--ctrlz-port N]`;

const options = {
  "state-dir": { type: "string" },
  "xds-socket": { type: "string" },
  kubernetes: { type: "boolean" },
  kubeconfig: { type: "string" },
  context: { type: "string" },
  namespace: { type: "string" },
  revision: { type: "string" },
  "xds-port": { type: "string" },
  "monitoring-port": { type: "string" },
  "webhook-port": { type: "string" },
  "plaintext-port": { type: "string" },
  "ctrlz-port": { type: "string" },
} as const;

/** Undefined where a word is missing; throws for one that isn't known. */
export function parseControlPlaneSettings(
  args: readonly string[],
  environment: Environment = {},
): ControlPlaneSettings | undefined {
  const { values } = parseArgs({ args: [...args], options });
  if (values.kubernetes === true) return clusterSettings(values, environment);
  const { "state-dir": stateDirectory, "xds-socket": xdsSocket } = values;
  return stateDirectory === undefined || xdsSocket === undefined
    ? undefined
    : {
        mode: "local",
        stateDirectory,
        xdsSocket,
        tlsCompliance: parseTlsCompliance(environment.COMPLIANCE_POLICY),
      };
}

type Values = ReturnType<typeof parseArgs<{ options: typeof options }>>["values"];

function clusterSettings(values: Values, environment: Environment): ClusterSettings {
  return {
    mode: "kubernetes",
    kubeconfig: values.kubeconfig,
    context: values.context,
    namespace: values.namespace ?? environment.POD_NAMESPACE ?? "meltemi-system",
    serviceAccount: environment.SERVICE_ACCOUNT ?? "meltemi",
    revision: values.revision ?? environment.REVISION ?? "default",
    podName: environment.POD_NAME ?? environment.HOSTNAME ?? "meltemi",
    xdsPort: parsePort(values["xds-port"] ?? "15012"),
    monitoringPort: parsePort(values["monitoring-port"] ?? "15014"),
    webhookPort: parsePort(values["webhook-port"] ?? "15017"),
    serviceName: environment.SERVICE_NAME ?? "meltemi",
    agentImage: environment.AGENT_IMAGE ?? `meltemi/agent:${readVersion()}`,
    imagePullSecrets: wordsOf(environment.IMAGE_PULL_SECRETS),
    capture: environment.CAPTURE === "cni" ? "cni" : "init",
    nativeSidecars: parseNativeSidecarWish(environment.ENABLE_NATIVE_SIDECARS),
    plaintextPort: parseOptionalPort(values["plaintext-port"]),
    controlzPort: parseOptionalPort(values["ctrlz-port"]),
    maxConnectionAgeMs: parseAge(environment.KEEPALIVE_MAX_SERVER_CONNECTION_AGE ?? "30m"),
    ignoredResources: wordsOf(environment.PILOT_IGNORE_RESOURCES),
    includedResources: wordsOf(environment.PILOT_INCLUDE_RESOURCES),
    tlsCompliance: parseTlsCompliance(environment.COMPLIANCE_POLICY),
    forbiddenKeyAddresses: wordsOf(environment.BLOCKED_CIDRS_IN_JWKS_URIS).map(parseRange),
  };
}

function wordsOf(text = ""): readonly string[] {
  return text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

function parseOptionalPort(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parsePort(text);
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new Error(`"${text}" isn't a port, wanted 0 to 65535`);
}

/** Istio passes over what isn't a range; a wall with a hole would look whole. */
function parseRange(text: string): Cidr {
  const range = parseCidr(text);
  if (range !== undefined) return range;
  throw new Error(`BLOCKED_CIDRS_IN_JWKS_URIS: "${text}" isn't a range of IP addresses, such as 10.0.0.0/8`);
}

/** As Istio's keepaliveMaxServerConnectionAge. */
function parseAge(text: string): number {
  const ageMs = parseDurationMs(text);
  if (ageMs !== undefined && ageMs >= MIN_CONNECTION_AGE_MS) return ageMs;
  throw new Error(
    `KEEPALIVE_MAX_SERVER_CONNECTION_AGE "${text}" isn't a duration of at least 1s, such as 30m`,
  );
}

const MIN_CONNECTION_AGE_MS = 1_000;
