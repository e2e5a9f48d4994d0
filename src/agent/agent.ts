// What stands beside one Envoy, put together: certificate, SDS, bootstrap, the process, probes and metrics. Everything
// that touches the world comes in, so that many agents can live in one process. It is on neither data nor config path.

import { chmod, chown, mkdir, rm, writeFile } from "node:fs/promises";
import type { Server } from "node:http";
import { join } from "node:path";
import type { Clock } from "../core/clock.ts";
import { startListening } from "../core/listening.ts";
import type { Logger } from "../core/logger.ts";
import type { SpiffeId } from "../core/spiffe-id.ts";
import { TAP_RUNTIME_KEY } from "../core/tap-record.ts";
import { GrpcServer } from "../grpc/server.ts";
import { createAppDialer, createPageDialer } from "./app-dialer.ts";
import type { AppProbers } from "./app-prober.ts";
import { buildBootstrap, encodeBootstrap } from "./bootstrap/bootstrap.ts";
import type { BootstrapOptions, ProxySockets } from "./bootstrap/bootstrap-options.ts";
import type { CertificateFiles } from "./certificate-file.ts";
import type { CertificateRotation, SignRequest } from "./certificate-rotation.ts";
import { startCertificateRotation } from "./certificate-rotation.ts";
import type { EnvoyAdmin } from "./envoy-admin.ts";
import { createEnvoyAdmin } from "./envoy-admin.ts";
import type { DrainOptions, EnvoyArguments, EnvoyProcess, ProcessEnd, SpawnEnvoy } from "./envoy-process.ts";
import { envoyArguments, startEnvoyProcess } from "./envoy-process.ts";
import { createFileSecretSource } from "./file-secrets.ts";
import { ownDescription } from "./metrics/own-description.ts";
import { RequestMetrics } from "./metrics/request-metrics.ts";
import type { ProbeOutcome } from "./probe-app.ts";
import { probeApp } from "./probe-app.ts";
import { createProxyReadiness, waitUntilReady } from "./proxy-readiness.ts";
import type { AppPage, ScrapeRequest } from "./scrape/app-page.ts";
import { mergeMetrics } from "./scrape/merged-metrics.ts";
import { ScrapeFailures } from "./scrape/scrape-failures.ts";
import { createSdsMethods } from "./sds-server.ts";
import { createWorkloadSecretSource, firstSecretSourceOf } from "./secret-source.ts";
import { createStatusServer } from "./status-server.ts";
import { TapHub } from "./tap/tap-hub.ts";
import { openControlPlane } from "./traffic/open-control-plane.ts";
import { startTrafficReporter } from "./traffic/traffic-reporter.ts";
import { TrafficTable } from "./traffic/traffic-table.ts";

export interface AgentOptions extends Omit<BootstrapOptions, "sockets"> {
  /** Made for the agent and Envoy alone, mode 0700; holds sockets and bootstrap. At most 96 bytes long. */
  readonly directory: string;
  /** Who Envoy runs as, where that isn't the agent's own user: gets the directory and the sockets. */
  readonly proxyUser?: { readonly uid: number; readonly gid: number };
  readonly identity: SpiffeId;
  readonly podIp: string;
  readonly sign: SignRequest;
  /** Default 24 h. */
  readonly certificateTtlMs?: number;
  readonly spawn: SpawnEnvoy;
  readonly envoy?: Omit<EnvoyArguments, "bootstrapPath">;
  readonly drain?: DrainOptions;
  readonly probers?: AppProbers;
  /** Where the app's metrics are, to be merged with Envoy's. */
  readonly appPages?: readonly AppPage[];
  /**
   * Certificates in files that Envoy's config names. An agent outside the pod's mount namespace must keep to the pod's
   * files: the path comes from whoever writes the mesh's config.
   */
  readonly certificateFiles: CertificateFiles;
  /** As in FileSecretOptions. */
  readonly onUnreadableSecret?: (secret: string, reason: string | undefined) => void;
  /** The pod's own process asked the proxy to quit. */
  readonly onQuit?: () => void;
  /** Told once Envoy can't go on, see EnvoyProcessOptions. */
  readonly onGivenUp?: (end: ProcessEnd) => void;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

export type ProbeKind = "startup" | "readiness" | "liveness";

export interface Agent {
  readonly adminSocketPath: string;
  readonly admin: EnvoyAdmin;
  readonly certificate: CertificateRotation;
  readonly taps: Pick<TapHub, "open">;
  /** Of Envoy, while it runs. */
  readonly pid: number | undefined;
  readonly restartCount: number;
  /** Resolves when Envoy serves its first complete configuration; rejects when the signal is aborted. */
  ready(signal?: AbortSignal): Promise<void>;
  /** Asks the app's own probe from inside the pod. */
  probe(containerName: string, kind: ProbeKind): Promise<ProbeOutcome>;
  /** Lets connections end, then ends Envoy. */
  drain(signal?: AbortSignal): Promise<void>;
  /** Ends Envoy and everything that serves it. */
  close(): Promise<void>;
}

const probeWords = { startup: "startupz", readiness: "readyz", liveness: "livez" } as const;

/** Resolves once Envoy is started; `ready` tells when it serves. */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const closers: Closer[] = [];
  try {
    return await startParts(options, closers);
  } catch (error) {
    await closeInReverse(closers);
    throw error;
  }
}

type Closer = () => void | Promise<void>;

async function closeInReverse(closers: readonly Closer[]): Promise<void> {
  for (const close of closers.toReversed()) await close();
}

async function startParts(options: AgentOptions, closers: Closer[]): Promise<Agent> {
  const { certificateTtlMs, directory } = options;
  const sockets = await prepareDirectory(options);
  const certificate = startCertificateRotation(options.sign, {
    ...options,
    names: { uris: [options.identity], dnsNames: [], ipAddresses: [] },
    ...(certificateTtlMs !== undefined && { ttlMs: certificateTtlMs }),
  });
  closers.push(() => certificate.close());
  const sds = new GrpcServer(options);
  closers.push(() => sds.close());
  await listenSds(sds, certificate, { ...options, path: sockets.sds });
  const admin = createEnvoyAdmin(sockets.admin);
  // Who sends clients away isn't ready for more of them.
  let isDraining = false;
  let started: EnvoyProcess | undefined;
  const own = ownDescription(options.node);
  const traffic = reportTraffic(options, certificate, closers);
  const requestMetrics = new RequestMetrics({ own, ...(traffic && { traffic }), ...bucketsOf(options) });
  const taps = new TapHub({
    own,
    setTapped: (isTapped) => admin.setRuntime(TAP_RUNTIME_KEY, isTapped ? 100 : 0),
    ...options,
  });
  closers.push(() => taps.close());
  const questions = createQuestions(options, {
    certificate,
    requestMetrics,
    admin,
    appSocketPath: sockets.app,
    isDraining: () => isDraining,
    restartCount: () => started?.restartCount ?? 0,
    processId: () => started?.pid,
  });
  const status = createStatusServer({
    ...{ ...questions, taps, clock: options.clock },
    quit: () => options.onQuit?.(),
    async drain() {
      isDraining = true;
      await admin.startDraining(isSidecar(options));
    },
    refused: (order) => options.log.warn(order, "refused an order from outside of the pod"),
  });
  closers.push(() => closeServer(status));
  await listenStatus(status, sockets.agent, options);
  const bootstrapPath = join(directory, "bootstrap.json");
  await writeFile(bootstrapPath, encodeBootstrap(buildBootstrap({ ...options, sockets })), { mode: 0o644 });
  const args = envoyArguments({ ...options.envoy, bootstrapPath });
  const envoy = startEnvoyProcess({
    ...options,
    ...{ admin, args },
    takeLine: (line) => taps.take(line) || requestMetrics.take(line),
    onRestart() {
      requestMetrics.envoyEnded();
      taps.envoyStarted();
    },
  });
  started = envoy;
  closers.push(() => envoy.close());
  return {
    adminSocketPath: sockets.admin,
    admin,
    taps,
    certificate,
    get pid() {
      return envoy.pid;
    },
    get restartCount() {
      return envoy.restartCount;
    },
    ready: (signal) => waitUntilReady(questions.isReady, options.clock, signal),
    async probe(containerName, kind) {
      const path = `/app-health/${containerName}/${probeWords[kind]}`;
      const none = { isSuccess: false, message: `no ${kind} probe of "${containerName}"` };
      return (await questions.probe(path)) ?? none;
    },
    drain(signal) {
      isDraining = true;
      return envoy.drain({ inboundOnly: isSidecar(options), ...options.drain }, signal);
    },
    close: () => closeInReverse(closers),
  };
}

/** A control plane in plaintext couldn't know whose traffic it is, so it is told of none. */
function reportTraffic(
  options: AgentOptions,
  certificate: CertificateRotation,
  closers: Closer[],
): TrafficTable | undefined {
  const { clock, controlPlane } = options;
  const { tlsServerName: serverName, ...address } = controlPlane;
  if (serverName === undefined) return undefined;
  const table = new TrafficTable();
  const reporter = startTrafficReporter({
    ...{ ...options, table },
    connect: () => openControlPlane({ ...address, serverName }, { certificate, clock }),
  });
  closers.push(() => reporter.close());
  return table;
}

function bucketsOf({ histogramBuckets }: AgentOptions) {
  return histogramBuckets === undefined ? {} : { histogramBuckets };
}

interface QuestionSources {
  readonly certificate: CertificateRotation;
  readonly requestMetrics: RequestMetrics;
  readonly admin: EnvoyAdmin;
  readonly appSocketPath: string;
  readonly isDraining: () => boolean;
  readonly restartCount: () => number;
  readonly processId: () => number | undefined;
}

/** What others may ask of a pod, over HTTP or in this process. */
function createQuestions(options: AgentOptions, sources: QuestionSources) {
  const { admin, appSocketPath, isDraining } = sources;
  const dialer = createAppDialer(appSocketPath, options.podIp);
  const pageDialer = createPageDialer(appSocketPath, options.podIp);
  const readiness = createProxyReadiness(sources);
  const failures = new ScrapeFailures((facts) => options.log.warn(facts, "metrics not merged"));
  return {
    isReady: async () => !isDraining() && (await readiness.isReady()),
    probe(path: string): Promise<ProbeOutcome> | undefined {
      const prober = options.probers?.[path];
      return prober === undefined ? undefined : probeApp(prober, dialer);
    },
    metrics: (of: "pod" | "proxy", request: ScrapeRequest) =>
      mergeMetrics(
        {
          readEnvoyMetrics: admin.readMetrics,
          requestMetrics: () => sources.requestMetrics.text(),
          agentMetrics: () => formatAgentMetrics(sources) + failures.text(),
          ...(of === "pod" && { app: { pages: options.appPages ?? [], dialer: pageDialer } }),
          failures,
        },
        request,
      ),
  };
}

function isSidecar({ node }: AgentOptions): boolean {
  return node.id.startsWith("sidecar~");
}

// sun_path of Linux holds 108 bytes, the last one zero.
const MAX_SOCKET_PATH_BYTES = 107;

async function prepareDirectory({ directory, proxyUser }: AgentOptions): Promise<ProxySockets> {
  const socket = (name: string) => join(directory, `${name}.sock`);
  const sockets = { sds: socket("sds"), agent: socket("agent"), admin: socket("admin"), app: socket("app") };
  for (const path of Object.values(sockets)) {
    const byteCount = Buffer.byteLength(path);
    if (byteCount > MAX_SOCKET_PATH_BYTES) {
      throw new Error(`Cannot listen on "${path}": ${byteCount} bytes, at most ${MAX_SOCKET_PATH_BYTES} fit`);
    }
  }
  // Whoever may enter can take the private key from SDS: nobody but the proxy's user may.
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  if (proxyUser !== undefined) await chown(directory, proxyUser.uid, proxyUser.gid);
  return sockets;
}

async function listenSds(
  server: GrpcServer,
  certificate: CertificateRotation,
  options: AgentOptions & { readonly path: string },
): Promise<void> {
  const { clock, log, path, certificateFiles, onUnreadableSecret } = options;
  const files = createFileSecretSource({
    ...{ clock, log, files: certificateFiles },
    ...(onUnreadableSecret !== undefined && { onUnreadable: onUnreadableSecret }),
  });
  const source = firstSecretSourceOf([createWorkloadSecretSource(certificate), files]);
  await server.listen({ kind: "unix", path, mode: 0o600 }, { methods: createSdsMethods(source, log) });
  await giveToProxy(path, options);
}

async function listenStatus(server: Server, path: string, options: AgentOptions): Promise<void> {
  await rm(path, { force: true });
  await startListening(server, { path }, options.log);
  await chmod(path, 0o600);
  await giveToProxy(path, options);
}

async function giveToProxy(path: string, { proxyUser }: AgentOptions): Promise<void> {
  if (proxyUser !== undefined) await chown(path, proxyUser.uid, proxyUser.gid);
}

function closeServer(server: Server): void {
  server.closeAllConnections();
  server.close();
}

function formatAgentMetrics({ certificate, restartCount }: QuestionSources): string {
  const { rotationCount, current } = certificate;
  const lines = [
    "# TYPE meltemi_agent_envoy_restarts_total counter",
    `meltemi_agent_envoy_restarts_total ${restartCount()}`,
    "# TYPE meltemi_agent_certificate_rotations_total counter",
    `meltemi_agent_certificate_rotations_total ${rotationCount}`,
  ];
  if (current !== undefined) {
    lines.push(
      "# TYPE istio_agent_cert_expiry_timestamp_seconds gauge",
      `istio_agent_cert_expiry_timestamp_seconds{resource_name="default"} ${current.notAfterMs / 1000}`,
    );
  }
  return `${lines.join("\n")}\n`;
}
