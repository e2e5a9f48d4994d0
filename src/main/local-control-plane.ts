// The control plane on one machine: watches the local store, signs certificates on a unix socket, serves xDS to each pod,
// plaintext xDS and admin on connections that its parent passes. It may die at any time: nothing here is lost.

import { chmod, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { createControlPlaneServer } from "../admin/control-plane-server.ts";
import { createReadingServer } from "../admin/reading-server.ts";
import { trafficReport } from "../admin/traffic-page.ts";
import { systemClock } from "../core/clock.ts";
import { startListening } from "../core/listening.ts";
import { formatProblem } from "../core/problem.ts";
import type { ProvenIdentity } from "../core/stream-identity.ts";
import { GrpcServer } from "../grpc/server.ts";
import {
  type Authenticator,
  createCertificateAuthenticator,
  createTokenAuthenticator,
  firstAuthenticatorOf,
} from "../identity/authenticator.ts";
import { openPersistentAuthority } from "../identity/authority-store.ts";
import type { CertificateAuthority } from "../identity/certificate-authority.ts";
import { controlPlaneNames } from "../identity/control-plane-certificate.ts";
import { createTokenIssuer } from "../identity/service-account-token.ts";
import { openTokenKey } from "../identity/token-key-store.ts";
import { findUninjectedPods } from "../inject/uninjected-pods.ts";
import type { InjectorWebhooks } from "../inject/wanted-revision.ts";
import { profileSettings } from "../install/install-settings.ts";
import { installationOf } from "../install/object-names.ts";
import { webhookConfigurations } from "../install/webhook-configurations.ts";
import { receiveConnections } from "../local/supervisor/child-connections.ts";
import { POD_CONNECTIONS } from "../local/supervisor/control-plane-sockets.ts";
import type { LocalSettings } from "../plane/control-plane-settings.ts";
import { type ControlPlane, createControlPlane } from "../plane/create-control-plane.ts";
import { describeCaller } from "../plane/describe-caller.ts";
import { keepLocalIssuerKeys } from "../plane/issuer-keys.ts";
import type { ControlPlaneLogs } from "../plane/log-scopes.ts";
import { objectCountsOf } from "../plane/object-counts.ts";
import { planeAnswers } from "../plane/plane-answers.ts";
import { planeProblems, watchPlaneProblems } from "../plane/plane-problems.ts";
import { cpuNowMs } from "../process/cpu-time.ts";
import { readVersion } from "../process/project.ts";
import { describeStartFailure, StartFailure } from "../process/start-failure.ts";
import { requireIdentity } from "../serving/authenticated-backend.ts";
import { openControlPlaneIdentity } from "../serving/control-plane-identity.ts";
import { PodConnections } from "../serving/pod-connections.ts";
import { serveSecurely } from "../serving/serve-securely.ts";
import { createTrafficMethod } from "../serving/traffic-method.ts";
import { watchRemoteStore } from "../sources/memory/watch-remote-store.ts";
import { type ControlPlaneMetrics, createControlPlaneMetrics } from "../telemetry/control-plane-metrics.ts";
import { countChanges } from "../telemetry/object-metrics.ts";
import { openPushTraces } from "../telemetry/open-push-traces.ts";
import { TrafficHistory } from "../traffic/traffic-history.ts";
import { createXdsServer } from "../xds/xds-server.ts";

// As Kubernetes names its own; the supervisor signs by this name.
const TOKEN_ISSUER = "https://kubernetes.default.svc";

/** Resolves when proxies are served; a failure is told to the parent as a sentence. */
export async function runLocalControlPlane(settings: LocalSettings, logs: ControlPlaneLogs): Promise<void> {
  try {
    await serveLocally(settings, logs);
  } catch (error) {
    const sentence = describeStartFailure(error, "The control plane can't start");
    await new Promise<void>((resolve) => {
      if (process.send === undefined) return resolve();
      process.send({ meltemi: "failed", sentence }, undefined, undefined, () => resolve());
    });
    throw error;
  }
}

async function serveLocally(settings: LocalSettings, logs: ControlPlaneLogs): Promise<void> {
  const { stateDirectory, xdsSocket } = settings;
  const version = readVersion();
  const metrics = createControlPlaneMetrics(version);
  const traces = await openPushTraces(process.env, { version, instance: "local", log: logs.default });
  const plane = createControlPlane({
    clock: systemClock,
    log: logs.default,
    cpuNowMs,
    pushEvents: { ...metrics.pushes, ...traces },
    undeclaredQuestion: metrics.views.undeclaredQuestion,
    ...(settings.tlsCompliance && { tlsCompliance: settings.tlsCompliance }),
  });
  await followStore({ plane, metrics, stateDirectory, logs });
  const keysPath = join(stateDirectory, "issuer-keys.json");
  await keepLocalIssuerKeys({
    ...{ plane, clock: systemClock, random: Math.random, log: logs.jwks },
    events: metrics.jwks,
    path: keysPath,
  });
  const { trustDomain } = plane.model.settings.get("") ?? { trustDomain: "cluster.local" };
  const authority = await openAuthority(stateDirectory, trustDomain);
  const authenticator = await openAuthenticator(stateDirectory, trustDomain);
  const backend = requireIdentity(plane.fleet, authenticator);
  const xds = createXdsServer(backend, { clock: systemClock, cpuNowMs, log: logs.ads, metrics: metrics.xds });
  const grpc = new GrpcServer({ clock: systemClock, log: logs.grpc, random: Math.random });
  const names = controlPlaneNames({ trustDomain });
  // The supervisor's alone: pods come by sockets of their own.
  const endpoint = { kind: "unix", path: xdsSocket, mode: 0o600 } as const;
  const identity = await openControlPlaneIdentity(authority, { names, log: logs.ca });
  const describe = (caller: ProvenIdentity) => describeCaller(plane.model, caller);
  const traffic = new TrafficHistory({ clock: systemClock });
  const trafficMethod = (owner?: ProvenIdentity) =>
    createTrafficMethod({ history: traffic, authenticator, describe }, owner);
  const certificates = { authority, authenticator, describe, certificateEvents: metrics.certificates };
  const service = { ...certificates, grpc, xds, identity, log: logs.ca };
  await serveSecurely(endpoint, service);
  metrics.watch({ objects: objectCountsOf(plane), signingCertificate: authority });
  const pods = new PodConnections({
    ...{ grpc, xds, identity, trustDomain, log: logs.grpc },
    methodsOf: (owner) => [trafficMethod(owner)],
  });
  const passed = await servePlaintext({ plane, traffic, xds, metrics, grpc, stateDirectory, logs });
  receiveConnections(process, (socket, { name, owner }) => {
    if (name === POD_CONNECTIONS && owner !== undefined) pods.take(socket, owner);
    else if (name === "xds" || name === "admin") passed[name].emit("connection", socket);
    else socket.destroy();
  });
  tellProblems(plane);
  process.send?.({ meltemi: "serving" });
  logs.default.info({ stateDirectory }, "control plane ready");
}

interface Serving {
  readonly plane: ControlPlane;
  readonly traffic: TrafficHistory;
  readonly xds: ReturnType<typeof createXdsServer>;
  readonly metrics: ControlPlaneMetrics;
  readonly grpc: GrpcServer;
  readonly stateDirectory: string;
  readonly logs: ControlPlaneLogs;
}

type Followed = Pick<Serving, "plane" | "metrics" | "stateDirectory" | "logs">;

/** Resolves when all objects are in: whoever connects later gets the whole mesh at once. */
function followStore({ plane, metrics, stateDirectory, logs }: Followed): Promise<void> {
  const { intake } = plane;
  return new Promise((resolve) => {
    void watchRemoteStore({
      socketPath: join(stateDirectory, "store.sock"),
      clock: systemClock,
      log: logs.kube,
      signal: new AbortController().signal,
      random: Math.random,
      onSync: (entries) => {
        intake.change(entries, []);
        intake.flush();
        resolve();
      },
      onEvents({ upserts, moves, deletes }) {
        intake.move(moves);
        countChanges(metrics.objects, { upserts, deletes });
        intake.change(upserts, deletes);
      },
    });
  });
}

async function openAuthority(stateDirectory: string, trustDomain: string): Promise<CertificateAuthority> {
  const opened = await openPersistentAuthority(join(stateDirectory, "ca"), {
    clock: systemClock,
    trustDomain,
  });
  if (opened.kind === "problem") throw new StartFailure(formatProblem(opened.problem));
  return opened.authority;
}

async function openAuthenticator(stateDirectory: string, trustDomain: string): Promise<Authenticator> {
  const key = await openTokenKey(join(stateDirectory, "token-key.pem"));
  if (key.kind === "problem") throw new StartFailure(formatProblem(key.problem));
  const issuer = createTokenIssuer(key.key, { clock: systemClock, issuer: TOKEN_ISSUER });
  return firstAuthenticatorOf([
    createTokenAuthenticator(issuer, { trustDomain, audiences: ["istio-ca"] }),
    createCertificateAuthenticator([trustDomain]),
  ]);
}

/** What the machine's own ports lead to, and the admin socket. No secret goes this way. */
async function servePlaintext({ plane, traffic, xds, metrics, grpc, stateDirectory, logs }: Serving) {
  const plaintext = createServer();
  await grpc.listen(
    { kind: "handle", server: plaintext },
    { methods: xds.methods({ servesSecrets: false }) },
  );
  const answers = {
    ...planeAnswers(plane),
    traffic: (windowMs: number) => trafficReport(traffic.read(windowMs)),
    problems: () => planeProblems(plane),
    uninjected: () => uninjectedPods(plane),
    version: () => ({ version: readVersion() }),
    isReady: () => true,
    metrics: () => metrics.text(),
    logLevels: logs.levels,
  };
  const admin = createControlPlaneServer(answers, logs.admin);
  const path = join(stateDirectory, "control-plane.sock");
  await rm(path, { force: true });
  await startListening(admin, { path }, logs.admin);
  await chmod(path, 0o600);
  return { xds: plaintext, admin: createReadingServer(admin) };
}

/** The runtime injects by the labels by which the webhooks of the revision `default` are asked in a cluster. */
function uninjectedPods({ sources }: ControlPlane) {
  const installation = installationOf(profileSettings("default", readVersion()));
  return findUninjectedPods({
    namespaces: [...sources.Namespace.entries()].map(([, row]) => row),
    pods: [...sources.Pod.entries()].map(([, row]) => row),
    injectors: webhookConfigurations(installation) as readonly InjectorWebhooks[],
    ignoredNamespaces: [],
  });
}

/** The parent shows them to the user, beside those that it finds itself. It may still have those of a predecessor. */
function tellProblems(plane: ControlPlane): void {
  let told: string | undefined;
  const tell = () => {
    const problems = planeProblems(plane);
    const text = JSON.stringify(problems);
    if (text === told || !process.connected) return;
    told = text;
    process.send?.({ meltemi: "problems", problems });
  };
  watchPlaneProblems(plane, tell);
  tell();
}
