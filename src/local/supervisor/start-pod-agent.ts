// The agent of one pod, in this process: what injection wrote into the istio-proxy container becomes the agent's
// options, and Envoy is started in the pod's namespaces as the proxy's user.

import { join } from "node:path";
import type { Agent, AgentOptions } from "../../agent/agent.ts";
import { startAgent } from "../../agent/agent.ts";
import type { SignRequest } from "../../agent/certificate-rotation.ts";
import type { ProcessEnd, RunningProcess, SpawnEnvoy } from "../../agent/envoy-process.ts";
import { readProxySettings } from "../../agent/pod/proxy-settings.ts";
import type { Clock } from "../../core/clock.ts";
import { loggedFields } from "../../core/logged-fields.ts";
import type { Logger } from "../../core/logger.ts";
import { spiffeId } from "../../core/spiffe-id.ts";
import { traceEnvironment } from "../../core/trace-environment.ts";
import { defaultInjectionSettings } from "../../inject/injection-settings.ts";
import { buildProxyNode } from "../../inject/node-metadata.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import type { PodSandbox, SpawnOptions } from "../sandbox/pod-sandbox.ts";
import type { Environment, ReferencedObjects } from "../workloads/environment.ts";
import { allContainers, resolveEnvironment } from "../workloads/environment.ts";
import type { PodSidecar, SidecarEvents, SidecarSurroundings } from "../workloads/pod-runtime.ts";
import { watchProcess } from "../workloads/sandbox-process.ts";
import { type ControlPlaneSockets, podOwner } from "./control-plane-sockets.ts";
import type { EnvoyTrial } from "./envoy-trial.ts";
import { readLocalProxySettings } from "./local-proxy-settings.ts";
import { proxyProgramsDirectory } from "./proxy-programs.ts";

export interface PodAgentContext {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly envoyPath: string;
  /** Run by people who look into a proxy's container. */
  readonly agentProgram: { readonly argv: readonly [string, ...string[]]; readonly directory: string };
  /** PATH of commands in a proxy's container, after the mesh's own programs. */
  readonly path: string;
  readonly envoyTrial: EnvoyTrial;
  readonly version: string;
  readonly clusterDomain: string;
  /** The DNS name that the control plane's certificate carries. */
  readonly controlPlaneName: string;
  readonly controlPlaneSockets: Pick<ControlPlaneSockets, "openForPod">;
  /** Each pod's sockets lie in a directory of its own below; must be short. */
  readonly runDirectory: string;
  readonly objects: ReferencedObjects;
  /** Signs as the pod's ServiceAccount. */
  readonly signerFor: (pod: Pod) => SignRequest;
}

export interface PodAgentRequest extends SidecarSurroundings {
  readonly pod: Pod;
  readonly sandbox: PodSandbox;
}

const PROXY_USER = { uid: 1337, gid: 1337 };

export async function startPodAgent(request: PodAgentRequest, context: PodAgentContext): Promise<PodSidecar> {
  const env = proxyEnvironment(request, context);
  const closeSocket = await context.controlPlaneSockets.openForPod({
    path: xdsSocketPath(request, context),
    owner: podOwner(request.pod),
    user: PROXY_USER,
  });
  try {
    const agent = await startAgent(agentOptions(request, context, env));
    const commandOptions = (argv: readonly [string, ...string[]]) =>
      proxyCommandOptions(argv, request, { ...context, env });
    return asSidecar(agent, { closeSocket, commandOptions });
  } catch (cause) {
    closeSocket();
    throw cause;
  }
}

/** Holds the sockets of one pod's agent and Envoy. */
export function podRunDirectory(runDirectory: string, ip: string): string {
  return join(runDirectory, ip);
}

/** The pod's own way to the control plane: who comes by it is this pod. */
function xdsSocketPath({ sandbox }: PodAgentRequest, { runDirectory }: PodAgentContext): string {
  return join(podRunDirectory(runDirectory, sandbox.ip), "xds.sock");
}

function proxyEnvironment({ pod, sandbox }: PodAgentRequest, { objects }: PodAgentContext): Environment {
  const container = allContainers(pod).find(({ name }) => name === "istio-proxy");
  if (container === undefined) throw new Error("The pod has no istio-proxy container");
  const addressed = { ...pod, status: { ...pod.status, podIP: sandbox.ip, hostIP: "127.0.0.1" } };
  const quiet = { ...addressed, spec: { ...pod.spec, enableServiceLinks: false } };
  const outcome = resolveEnvironment(quiet, container, objects);
  if (outcome.kind === "unresolved") throw new Error(outcome.problem.message);
  return outcome.value;
}

function agentOptions(request: PodAgentRequest, context: PodAgentContext, env: Environment): AgentOptions {
  const { pod, sandbox } = request;
  const { version, clusterDomain, runDirectory } = context;
  const { labels = {}, annotations = {}, namespace } = pod.metadata;
  const { certificateTtlMs, concurrency, drainTimeSeconds, drain } = readLocalProxySettings(env);
  const { logLevels } = defaultInjectionSettings;
  const role = roleOf(pod);
  const node = buildProxyNode({ env, role, labels, annotations, version, clusterDomain });
  const directory = podRunDirectory(runDirectory, sandbox.ip);
  return {
    ...context,
    log: containerLogger(context.log, request.events.onLine, context.clock),
    ...(certificateTtlMs === undefined ? {} : { certificateTtlMs }),
    directory,
    controlPlane: {
      kind: "unix",
      path: xdsSocketPath(request, context),
      tlsServerName: context.controlPlaneName,
    },
    proxyUser: PROXY_USER,
    node,
    identity: spiffeId({
      trustDomain: env.TRUST_DOMAIN ?? clusterDomain,
      namespace,
      serviceAccount: pod.spec.serviceAccountName ?? "default",
    }),
    podIp: sandbox.ip,
    sign: context.signerFor(pod),
    spawn: envoySpawner(request, { ...context, env: { ...env, ...traceEnvironment(node, env) }, directory }),
    envoy: {
      concurrency,
      drainTimeSeconds,
      logLevel: annotations["sidecar.istio.io/logLevel"] ?? logLevels.proxy,
      // Without it Envoy warns of each deprecated field at each push, and nothing else can be read.
      componentLogLevel: annotations["sidecar.istio.io/componentLogLevel"] ?? logLevels.components,
    },
    drain,
    certificateFiles: request.files,
    onUnreadableSecret: (secret, reason) => request.events.onUnreadableSecret(secret, reason),
    ...readProxySettings({ env, annotations }),
  };
}

/** What a pod's author must know is in the proxy container's log too, as the agent in a cluster's pod writes it. */
function containerLogger(log: Logger, onLine: SidecarEvents["onLine"], clock: Clock): Logger {
  const both = (level: "warn" | "error", number: number) => (fields: object, event: string) => {
    log[level](fields, event);
    const line = {
      level: number,
      time: clock.now(),
      component: "agent",
      ...loggedFields(fields),
      msg: event,
    };
    onLine("stderr", JSON.stringify(line));
  };
  return {
    debug: log.debug.bind(log),
    info: log.info.bind(log),
    warn: both("warn", 40),
    error: both("error", 50),
  };
}

interface SpawnContext extends PodAgentContext {
  readonly env: Environment;
  readonly directory: string;
}

/** As Envoy runs, with what people need to look at it; without its rights over the network. */
function proxyCommandOptions(
  argv: readonly [string, ...string[]],
  { pod, sandbox }: PodAgentRequest,
  { env, path, envoyPath, agentProgram, runDirectory }: Omit<SpawnContext, "directory">,
): SpawnOptions {
  const programs = proxyProgramsDirectory(runDirectory);
  const [nodePath] = agentProgram.argv;
  const directories = [podRunDirectory(runDirectory, sandbox.ip), programs];
  return {
    argv,
    env: { PATH: `${programs}:${path}`, HOME: "/", HOSTNAME: pod.spec.hostname ?? pod.metadata.name, ...env },
    ...PROXY_USER,
    reachable: [envoyPath, nodePath, agentProgram.directory],
    mounts: directories.map((directory) => ({ source: directory, target: directory, origin: "mesh" })),
  };
}

function envoySpawner({ sandbox, events }: PodAgentRequest, context: SpawnContext): SpawnEnvoy {
  const { env, envoyPath, envoyTrial, directory } = context;
  return (args, takeLine): RunningProcess => {
    const started = sandbox.spawn({
      argv: [envoyPath, ...args],
      env,
      ...PROXY_USER,
      capabilities: env.ISTIO_META_INTERCEPTION_MODE === "TPROXY" ? "network" : "none",
      reachable: [envoyPath],
      mounts: [{ source: directory, target: directory, origin: "mesh" }],
      stdio: ["ignore", "pipe", "pipe"],
    });
    const onEnd = envoyTrial.begin();
    let lastLine: string | undefined;
    const watched = watchProcess(started, (stream, text) => {
      if (stream === "stdout" && takeLine(text)) return;
      lastLine = text;
      events.onLine(stream, text);
    });
    const { child } = started;
    const ended = new Promise<ProcessEnd>((resolve) => {
      child.once("exit", (code, signal) => resolve({ code, signal }));
      child.once("error", ({ message }) => resolve({ code: null, signal: null, reason: message }));
    });
    void ended.then((end) => {
      onEnd(end, lastLine);
      events.onDown();
    });
    return {
      get pid() {
        return watched.pid;
      },
      kill: (signal) => watched.kill(signal),
      ended,
    };
  };
}

function asSidecar(
  agent: Agent,
  { closeSocket, commandOptions }: Pick<PodSidecar, "commandOptions"> & { readonly closeSocket: () => void },
): PodSidecar {
  return {
    adminSocketPath: agent.adminSocketPath,
    taps: agent.taps,
    commandOptions,
    get pid() {
      return agent.pid;
    },
    get restartCount() {
      return agent.restartCount;
    },
    ready: (signal) => agent.ready(signal),
    probe: (containerName, kind) => agent.probe(containerName, kind),
    drain: () => agent.drain(),
    async close() {
      await agent.close();
      closeSocket();
    },
  };
}

function roleOf(pod: Pod): "sidecar" | "router" {
  const container = allContainers(pod).find(({ name }) => name === "istio-proxy");
  return container?.args?.[1] === "router" ? "router" : "sidecar";
}
