// `agent proxy`: runs Envoy in its pod, from the environment, files and arguments that injection and kubelet put there.
// Ends with 0 after a drain that was asked for, with 1 when it can't start, and as its Envoy where that can't go on. As
// the container's first process it has no children but Envoy.

import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { availableParallelism, networkInterfaces } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../core/clock.ts";
import { ipFamiliesOf } from "../../core/ip-families.ts";
import { redacted } from "../../core/redacted.ts";
import { spiffeId } from "../../core/spiffe-id.ts";
import { traceEnvironment } from "../../core/trace-environment.ts";
import { GrpcClient, type GrpcTarget } from "../../grpc/client.ts";
import { buildProxyNode } from "../../inject/node-metadata.ts";
import { endOnFault } from "../../process/last-handler.ts";
import { createLineLogger } from "../../process/line-logger.ts";
import { readVersion } from "../../process/project.ts";
import { type Agent, type AgentOptions, startAgent } from "../agent.ts";
import { createCertificateClient } from "../certificate-client.ts";
import { ownCertificateFiles } from "../certificate-file.ts";
import { parseDownwardFile } from "../pod/downward-file.ts";
import { readFlag } from "../pod/environment-value.ts";
import { judgeEnvoyEnd, parseLastWords } from "../pod/envoy-end.ts";
import { hasIpv6, podAddresses } from "../pod/pod-addresses.ts";
import {
  type ControlPlaneHost,
  parseProxyArguments,
  readControlPlane,
  readDrainTimes,
  readEnvoyPath,
  readSecretTtlMs,
} from "../pod/proxy-arguments.ts";
import { readProxySettings } from "../pod/proxy-settings.ts";
import { createProcessSpawner } from "../spawn-process.ts";
import { awaitStop, type StopRequests } from "./stop-requests.ts";

type Environment = Readonly<Record<string, string>>;

export async function runProxy(args: readonly string[]): Promise<number> {
  const env = environment();
  const { agentLogLevel } = parseProxyArguments(args, env);
  const log = createLineLogger(env.MELTEMI_LOG_LEVEL ?? agentLogLevel);
  endOnFault(log);
  const stop = awaitStop();
  const options = await agentOptions(args, env);
  const agent = await startAgent({
    ...options,
    ...envoyOf({ env, stop, node: options.node }),
    onQuit: stop.quit,
    log,
  });
  const stopDns = await podDns(agent, env, { ...options, log });
  const stopCollecting = staySmall(reportReady(agent, log));
  const { cause, exitCode } = await stop.requested;
  if (agent.pid === undefined) log[exitCode === 0 ? "info" : "error"]({ exitCode }, cause);
  else {
    log.info({ cause, ...options.drain }, "agent draining");
    await agent.drain(stop.hurried);
  }
  await stopDns?.();
  await agent.close();
  stopCollecting();
  return exitCode;
}

interface EnvoyInputs {
  readonly env: Environment;
  readonly stop: StopRequests;
  readonly node: AgentOptions["node"];
}

/**
 * An Envoy that crashes is started again here: it is back in a tenth of a second with the certificate that it had, where
 * kubelet would take seconds and then minutes. `meltemi_agent_envoy_restarts_total` counts it. An Envoy that can't run is
 * kubelet's to start again and people's to see, so the container ends as it did; so does one that was asked to quit.
 */
function envoyOf({ env, stop, node }: EnvoyInputs): Pick<AgentOptions, "spawn" | "onGivenUp"> {
  const path = readEnvoyPath(env);
  let lastWords = "";
  const onOutput = (line: string) => {
    lastWords = parseLastWords(line) ?? lastWords;
    process.stdout.write(`${line}\n`);
  };
  return {
    spawn: createProcessSpawner(path, { env: traceEnvironment(node, env), onOutput }),
    onGivenUp: (end) => stop.giveUp(judgeEnvoyEnd(end, { path, lastWords })),
  };
}

async function podDns(
  agent: Agent,
  env: Environment,
  { node, clock, random, log }: Pick<AgentOptions, "node" | "clock" | "random" | "log">,
): Promise<(() => Promise<void>) | undefined> {
  if (!readFlag(env, "ISTIO_META_DNS_CAPTURE")) return undefined;
  const { startPodDns } = await import("./pod-dns.ts");
  return startPodDns({
    agent,
    node,
    controlPlane: readControlPlane(env, undefined),
    resolverPath: podFiles(env).resolver,
    hasIpv6: hasIpv6(podAddresses(networkInterfaces(), env.INSTANCE_IP)),
    clock,
    random,
    log,
  });
}

const COLLECT_PERIOD_MS = 60_000;

/**
 * Where Node runs with `--expose-gc`, as in our image: V8 gives memory back a few seconds after a full collection, and an
 * agent that does little would go without one for hours.
 */
function staySmall(ready: Promise<void>): () => void {
  const collect = () => void globalThis.gc?.();
  void ready.then(collect);
  const timer = setInterval(collect, COLLECT_PERIOD_MS);
  return () => clearInterval(timer);
}

/** Resolves in either case. */
function reportReady(agent: Agent, log: ReturnType<typeof createLineLogger>): Promise<void> {
  const startedMs = performance.now();
  return agent.ready().then(
    () => log.info({ afterMs: Math.round(performance.now() - startedMs) }, "proxy ready"),
    (error: unknown) => log.error({ reason: String(error) }, "proxy never became ready"),
  );
}

/** Where kubelet and injection put a pod's files; tests put another root before them. */
function podFiles(env: Environment) {
  const root = env.MELTEMI_POD_ROOT ?? "";
  return {
    token: `${root}/var/run/secrets/tokens/istio-token`,
    rootCertificate: env.CA_ROOT_CA ?? `${root}/var/run/secrets/istio/root-cert.pem`,
    podInfo: `${root}/etc/istio/pod`,
    directory: `${root}/etc/istio/proxy/agent`,
    resolver: `${root}/etc/resolv.conf`,
  };
}

async function agentOptions(
  args: readonly string[],
  env: Environment,
): Promise<Omit<AgentOptions, "log" | "spawn">> {
  const files = podFiles(env);
  const { role, clusterDomain, logLevel, componentLogLevel, concurrency } = parseProxyArguments(args, env);
  const [labels, annotations] = await Promise.all([
    readPairs(join(files.podInfo, "labels")),
    readPairs(join(files.podInfo, "annotations")),
  ]);
  const addresses = podAddresses(networkInterfaces(), env.INSTANCE_IP);
  const addressed = { ...env, INSTANCE_IPS: addresses.join(",") };
  const { drainTimeSeconds, ...drain } = readDrainTimes(env);
  const certificateTtlMs = readSecretTtlMs(env);
  return {
    directory: files.directory,
    ...(certificateTtlMs !== undefined && { certificateTtlMs }),
    node: buildProxyNode({
      env: addressed,
      role,
      labels,
      annotations,
      version: readVersion(),
      clusterDomain,
    }),
    identity: spiffeId({
      trustDomain: env.TRUST_DOMAIN ?? clusterDomain,
      namespace: env.POD_NAMESPACE ?? "default",
      serviceAccount: env.SERVICE_ACCOUNT ?? "default",
    }),
    podIp: env.INSTANCE_IP ?? addresses[0] ?? "127.0.0.1",
    families: ipFamiliesOf(addresses),
    controlPlane: xdsAddress(readControlPlane(env, undefined)),
    sign: certificateSigner(env, files),
    envoy: {
      concurrency: concurrency ?? availableParallelism(),
      logLevel,
      drainTimeSeconds,
      ...(componentLogLevel !== undefined && { componentLogLevel }),
      ...(await bootstrapOverride(env)),
    },
    drain,
    ...readProxySettings({ env, annotations }),
    certificateFiles: ownCertificateFiles,
    clock: systemClock,
    random: Math.random,
  };
}

function environment(): Environment {
  const pairs = Object.entries(process.env).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return Object.fromEntries(pairs);
}

/** A pod without the volume has no labels that we could tell. */
async function readPairs(path: string): Promise<Readonly<Record<string, string>>> {
  return parseDownwardFile(await readFile(path, "utf8").catch(() => ""));
}

/** Of the ConfigMap that the pod's annotation names; kubelet starts no container before it is there. */
async function bootstrapOverride(env: Environment): Promise<{ readonly bootstrapOverride?: string }> {
  const file = env.ISTIO_BOOTSTRAP_OVERRIDE;
  return file === undefined ? {} : { bootstrapOverride: await readFile(file, "utf8") };
}

function xdsAddress({ host, port, serverName }: ControlPlaneHost): AgentOptions["controlPlane"] {
  return { kind: "tcp", host, port, ...(serverName !== undefined && { tlsServerName: serverName }) };
}

/** Token and root are read anew for each request: kubelet renews the one, the control plane may replace the other. */
function certificateSigner(env: Environment, files: ReturnType<typeof podFiles>): AgentOptions["sign"] {
  const { host, port, serverName } = readControlPlane(env, env.CA_ADDR);
  // A token never goes out in plaintext, whatever was asked for xDS.
  if (serverName === undefined) throw new Error("Cannot have certificates signed in plaintext");
  const target = (): GrpcTarget => ({
    kind: "tcp",
    host,
    port,
    tls: { serverRoots: readFileSync(files.rootCertificate, "utf8"), serverName },
  });
  const readToken = async () => redacted((await readFile(files.token, "utf8")).trim());
  return createCertificateClient(new GrpcClient(target, { clock: systemClock }), { readToken });
}
