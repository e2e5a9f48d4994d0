// The control plane in a cluster: objects from the API server, xDS and certificates over TLS, and what only one of its
// replicas may write. Any replica may die at any time.

import { randomUUID } from "node:crypto";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import { createControlPlaneServer } from "../admin/control-plane-server.ts";
import { createMonitoringServer } from "../admin/monitoring-server.ts";
import { trafficReport } from "../admin/traffic-page.ts";
import { startPodReplacement } from "../controllers/pod-replacement.ts";
import { startRootCertificates } from "../controllers/root-certificates.ts";
import { startWebhookBundles } from "../controllers/webhook-bundles.ts";
import { systemClock } from "../core/clock.ts";
import { startListening } from "../core/listening.ts";
import type { Logger } from "../core/logger.ts";
import { type ObjectKey, objectKey } from "../core/object-key.ts";
import { pause } from "../core/pause.ts";
import { formatProblem, type Problem } from "../core/problem.ts";
import type { ProvenIdentity } from "../core/stream-identity.ts";
import { controlPlaneIdentifier } from "../fleet/debug-types.ts";
import type { Transaction } from "../graph/graph.ts";
import { type GrpcListener, GrpcServer } from "../grpc/server.ts";
import { createCertificateAuthenticator, firstAuthenticatorOf } from "../identity/authenticator.ts";
import type { CertificateAuthority } from "../identity/certificate-authority.ts";
import { openClusterAuthority } from "../identity/cluster-authority.ts";
import { controlPlaneNames } from "../identity/control-plane-certificate.ts";
import { createSecretAccessReviews, type SecretAccessReviews } from "../identity/secret-access-reviews.ts";
import { createTokenReviewAuthenticator } from "../identity/token-review-authenticator.ts";
import { INSTALLED_SELECTOR, ISSUER_KEYS_CONFIG_MAP, REVISION_LABEL } from "../install/object-names.ts";
import type { ConfigMap } from "../kinds/config-map.ts";
import { reviewSecretAccess } from "../kubernetes/access-review.ts";
import type { ApiClient } from "../kubernetes/api-client.ts";
import { createApiRetry } from "../kubernetes/api-retry.ts";
import { type LeaderElection, startLeaderElection } from "../kubernetes/leader-election.ts";
import { rowKey } from "../model/sources.ts";
import { type ClusterInjection, createClusterInjection } from "../plane/cluster/cluster-injection.ts";
import { createFleetReports, type FleetReports } from "../plane/cluster/fleet-reports.ts";
import { createObjectChanges, type ObjectChanges, startPlaneStatus } from "../plane/cluster/plane-status.ts";
import { createUninjectedWatch, type UninjectedWatch } from "../plane/cluster/uninjected-watch.ts";
import type { ClusterSettings } from "../plane/control-plane-settings.ts";
import { type ControlPlane, createControlPlane } from "../plane/create-control-plane.ts";
import { describeCaller } from "../plane/describe-caller.ts";
import { type ClusterIssuerKeys, followIssuerKeys } from "../plane/issuer-keys.ts";
import type { ControlPlaneLogs } from "../plane/log-scopes.ts";
import { objectCountsOf } from "../plane/object-counts.ts";
import { planeAnswers } from "../plane/plane-answers.ts";
import { planeProblems } from "../plane/plane-problems.ts";
import { cpuNowMs } from "../process/cpu-time.ts";
import { readVersion } from "../process/project.ts";
import { requireIdentity } from "../serving/authenticated-backend.ts";
import { openControlPlaneIdentity } from "../serving/control-plane-identity.ts";
import { serveSecurely } from "../serving/serve-securely.ts";
import { createTrafficMethod } from "../serving/traffic-method.ts";
import { watchKubernetes } from "../sources/kubernetes/watch-kubernetes.ts";
import { selectKinds, watchedKinds } from "../sources/kubernetes/watched-kinds.ts";
import { type ControlPlaneMetrics, createControlPlaneMetrics } from "../telemetry/control-plane-metrics.ts";
import { countChanges } from "../telemetry/object-metrics.ts";
import { openPushTraces } from "../telemetry/open-push-traces.ts";
import { TrafficHistory } from "../traffic/traffic-history.ts";
import type { WebhookServer } from "../webhook/webhook-server.ts";
import { createXdsServer, type XdsServer } from "../xds/xds-server.ts";
import { connectToCluster } from "./api-connection.ts";
import { serveWebhooks } from "./cluster-webhooks.ts";

// In a cluster changes come in crowds: a rollout, an apply of many files.
const CLUSTER_DEBOUNCE = {
  endpoints: { afterMs: 10, atMostMs: 100 },
  config: { afterMs: 100, atMostMs: 1_000 },
};
/** An Envoy holds one call and an agent a few; each may hold as many names as any. */
const MAX_CALLS_OF_A_CONNECTION = 100;
/** Until everybody has heard that this replica is no endpoint any more. */
const ENDPOINT_NEWS_MS = 3_000;
/** Together with the above less than the 30 s that kubelet gives a pod to end. */
const DRAIN = { timeoutMs: 20_000, spreadMs: 10_000 };
const TOKEN_AUDIENCES = ["istio-ca"];

/** Resolves when the process may end: after SIGTERM or SIGINT, when clients have moved on. */
export async function runClusterControlPlane(
  settings: ClusterSettings,
  logs: ControlPlaneLogs,
): Promise<void> {
  const serving: Serving = { isReady: false, reports: undefined };
  const stop = stopSignal(serving);
  const lifetime = new AbortController();
  const client = await connectToCluster(settings, systemClock);
  const debug = debugOptions(settings, serving);
  const metrics = createControlPlaneMetrics(readVersion());
  const traces = await openTraces(settings, logs);
  const plane = createControlPlane({
    clock: systemClock,
    log: logs.default,
    debounce: CLUSTER_DEBOUNCE,
    debug,
    cpuNowMs,
    pushEvents: { ...metrics.pushes, ...traces },
    undeclaredQuestion: metrics.views.undeclaredQuestion,
    ...(settings.tlsCompliance && { tlsCompliance: settings.tlsCompliance }),
    onSecretsWanted: (account) => secretAccess.want(account),
  });
  const { signal } = lifetime;
  // Nobody asks before proxies are served.
  const secretAccess = reviewSecretReaders(plane, { client, log: logs.kube });
  const changes = createObjectChanges();
  const injection = createClusterInjection(settings, plane.sources);
  const uninjected = createUninjectedWatch(settings, plane);
  const problemsByObject = new Map<ObjectKey, readonly Problem[]>();
  const traffic = new TrafficHistory({ clock: systemClock });
  const known = { traffic, problemsByObject, changes, injection, uninjected };
  const cluster = { settings, logs, client, plane, signal, serving, metrics, ...known };
  const monitoring = await startMonitoring(cluster, () => metrics.text());
  const [issuerKeys] = await Promise.all([followKeys(cluster, metrics.jwks), followCluster(cluster)]);
  const { trustDomain } = plane.model.settings.get("") ?? { trustDomain: "cluster.local" };
  const authority = await openAuthority(cluster, trustDomain);
  const authenticator = firstAuthenticatorOf([
    createTokenReviewAuthenticator(client, { trustDomain, audiences: TOKEN_AUDIENCES }),
    createCertificateAuthenticator([trustDomain]),
  ]);
  const backend = requireIdentity(plane.fleet, authenticator);
  const xds = createXdsServer(backend, { clock: systemClock, cpuNowMs, log: logs.ads, metrics: metrics.xds });
  const grpc = createGrpcServer(settings, logs.grpc);
  const { namespace, serviceAccount } = settings;
  const extraDnsNames = revisionNames(settings);
  const names = controlPlaneNames({ trustDomain, namespace, serviceAccount, extraDnsNames });
  const endpoint = { kind: "tcp", host: everyAddress(), port: settings.xdsPort } as const;
  const identity = await openControlPlaneIdentity(authority, { names, log: logs.ca });
  const reports = createFleetReports({ settings, plane, identity, trustDomain });
  serving.reports = reports;
  const describe = (caller: ProvenIdentity) => describeCaller(plane.model, caller);
  const methods = [...reports.methods, createTrafficMethod({ history: traffic, authenticator, describe })];
  const certificates = { authority, authenticator, describe, certificateEvents: metrics.certificates };
  const listener = await serveSecurely(endpoint, {
    ...certificates,
    grpc,
    xds,
    identity,
    methods,
    log: logs.ca,
  });
  metrics.watch({ objects: objectCountsOf(plane), signingCertificate: authority });
  await servePlaintext(settings, { grpc, xds });
  const webhooks = await serveWebhooks({
    ...{ settings, plane, injection, identity, log: logs.injection },
    host: everyAddress(),
    events: metrics.webhooks,
  });
  const election = standForLeader(cluster);
  const endLeading = whileLeading(election, () => startLeading(cluster, { authority, reports, issuerKeys }));
  serving.isReady = true;
  logs.default.info(
    {
      xdsPort: listener.port,
      monitoringPort: monitoring.port,
      webhookPort: webhooks.port,
      trustDomain,
    },
    "control plane ready",
  );

  await stopped(stop);
  endLeading();
  await drain(cluster, { election, webhooks: webhooks.server, grpc });
  await traces?.close();
  lifetime.abort();
  secretAccess.close();
  monitoring.close();
  client.close();
}

function debugOptions({ namespace, podName }: ClusterSettings, serving: Serving) {
  return {
    namespaces: [namespace],
    controlPlane: controlPlaneIdentifier(podName, readVersion()),
    dumpElsewhere: async (proxyId: string) => serving.reports?.configDump(proxyId),
  };
}

function openTraces({ podName: instance }: ClusterSettings, { default: log }: ControlPlaneLogs) {
  return openPushTraces(process.env, { version: readVersion(), instance, log });
}

function createGrpcServer({ maxConnectionAgeMs }: ClusterSettings, log: Logger): GrpcServer {
  return new GrpcServer({
    ...{ clock: systemClock, log, random: Math.random, maxConnectionAgeMs },
    maxConcurrentCalls: MAX_CALLS_OF_A_CONNECTION,
  });
}

interface DrainedParts {
  readonly election: LeaderElection;
  readonly webhooks: WebhookServer;
  readonly grpc: GrpcServer;
}

/** Resolves when clients have moved on. */
async function drain(
  { logs, serving, signal }: Cluster,
  { election, webhooks, grpc }: DrainedParts,
): Promise<void> {
  logs.default.info({}, "control plane draining");
  serving.isReady = false;
  await election.close();
  await pause(systemClock, ENDPOINT_NEWS_MS, signal);
  void webhooks.close();
  await grpc.drain(DRAIN.timeoutMs, { spreadMs: DRAIN.spreadMs });
}

/** The API server is asked who may read Secrets; its answers become rows of the plane. */
function reviewSecretReaders(
  { fleet, reviewedReaders }: ControlPlane,
  { client, log }: { readonly client: ApiClient; readonly log: Logger },
): SecretAccessReviews {
  return createSecretAccessReviews({
    review: (account) => reviewSecretAccess(client, account),
    isWanted: (account) => fleet.wantsSecrets(account),
    onVerdict: ({ namespace, serviceAccount }, verdict) => {
      const key = rowKey(namespace, serviceAccount);
      const write = (transaction: Transaction) => {
        if (verdict === undefined) transaction.delete(reviewedReaders, key);
        else transaction.set(reviewedReaders, key, verdict);
      };
      fleet.commit(write, { trigger: "secret-readers" });
    },
    clock: systemClock,
    random: Math.random,
    log,
  });
}

interface Cluster {
  readonly settings: ClusterSettings;
  readonly logs: ControlPlaneLogs;
  readonly client: ApiClient;
  readonly plane: ControlPlane;
  /** Aborts when the last client is gone. */
  readonly signal: AbortSignal;
  readonly traffic: TrafficHistory;
  /** As they were found when the objects were read. */
  readonly problemsByObject: Map<ObjectKey, readonly Problem[]>;
  readonly changes: ObjectChanges;
  readonly injection: ClusterInjection;
  readonly uninjected: UninjectedWatch;
  readonly serving: Serving;
  readonly metrics: ControlPlaneMetrics;
}

interface Serving {
  isReady: boolean;
  /** There when proxies are served. */
  reports: FleetReports | undefined;
}

/** Before proxies are served there is nothing to drain, and a second signal ends the process at once. */
function stopSignal(serving: Serving): AbortSignal {
  const stop = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    process.on(name, () => {
      if (serving.isReady) stop.abort();
      else process.exit(0);
    });
  }
  return stop.signal;
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve());
  });
}

/** Listens from the start, so that kubelet is told "not ready" and isn't refused. */
async function startMonitoring(cluster: Cluster, metrics: () => Promise<string>): Promise<Monitoring> {
  const { plane, traffic, problemsByObject, logs, settings, uninjected } = cluster;
  const admin = createControlPlaneServer(
    {
      ...planeAnswers(plane),
      programmedEverywhere: (object) => cluster.serving.reports?.programmed(object),
      traffic: (windowMs) => trafficReport(traffic.read(windowMs)),
      problems: () => planeProblems(plane, problemsByObject.values()),
      uninjected: () => uninjected.report(),
      version: () => ({ version: readVersion() }),
      isReady: () => cluster.serving.isReady,
      metrics,
      logLevels: logs.levels,
    },
    logs.admin,
  );
  const listen = async (port: number, host: string) => {
    const server = createMonitoringServer(admin, logs.admin);
    await startListening(server, { port, host }, logs.admin);
    return server;
  };
  const { monitoringPort, controlzPort } = settings;
  const server = await listen(monitoringPort, everyAddress());
  const servers = [server, ...(controlzPort === undefined ? [] : [await listen(controlzPort, "127.0.0.1")])];
  return {
    port: portOf(server),
    close() {
      for (const each of servers) {
        each.close();
        each.closeAllConnections();
      }
    },
  };
}

interface Monitoring {
  readonly port: number;
  close(): void;
}

/** Of both families, where the machine has both. */
function everyAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  return addresses.some(({ family }) => family === "IPv6") ? "::" : "0.0.0.0";
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** Resolves when all objects are in: whoever connects later gets the whole mesh at once. */
function followCluster(cluster: Cluster): Promise<void> {
  const { settings, client, plane, signal, problemsByObject, changes, injection, logs } = cluster;
  const { namespace, revision, ignoredResources, includedResources } = settings;
  return new Promise((resolve) => {
    watchKubernetes({
      client,
      clock: systemClock,
      random: Math.random,
      log: logs.kube,
      signal,
      systemNamespace: namespace,
      revision,
      onInjectors: (injectors) => cluster.uninjected.take(injectors),
      kinds: selectKinds(watchedKinds, { ignored: ignoredResources, included: includedResources }),
      onSync: (entries) => {
        injection.take({ upserts: entries, deletes: [] });
        plane.intake.change(entries, []);
        plane.intake.flush();
        logs.kube.info({ objectCount: entries.length }, "objects read");
        resolve();
      },
      onChange: ({ upserts, deletes }) => {
        countChanges(cluster.metrics.objects, { upserts, deletes });
        injection.take({ upserts, deletes });
        plane.intake.change(upserts, deletes);
        changes.tell(upserts.map(({ key }) => key));
      },
      onInjectionConfig: (configMap) => configureInjection(cluster, configMap),
      onProblems: (key, problems) => {
        changes.tell([key]);
        if (problems.length === 0) problemsByObject.delete(key);
        else problemsByObject.set(key, problems);
      },
    });
  });
}

function followKeys(
  { plane, logs, client, settings, signal }: Cluster,
  events: ControlPlaneMetrics["jwks"],
): Promise<ClusterIssuerKeys> {
  const { namespace, revision } = settings;
  const name = revision === "default" ? ISSUER_KEYS_CONFIG_MAP : `${ISSUER_KEYS_CONFIG_MAP}-${revision}`;
  const addresses = { forbidden: settings.forbiddenKeyAddresses };
  const configMap = { namespace, name };
  const context = { plane, clock: systemClock, random: Math.random, log: logs.jwks, events };
  return followIssuerKeys({ ...context, client, configMap, addresses, signal });
}

function configureInjection(
  { injection, logs, problemsByObject }: Cluster,
  configMap: ConfigMap | undefined,
): void {
  const problems = injection.configure(configMap);
  if (configMap === undefined || problems.length === 0) return;
  const { name, namespace } = configMap.metadata;
  const object = objectKey({ kind: "ConfigMap", namespace, name });
  problemsByObject.set(
    object,
    problems.map((found) => ({ ...found, object })),
  );
  logs.injection.warn(
    { configMap: name, problems: problems.map(formatProblem) },
    "injection config has problems",
  );
}

const authorityBackoff = { firstMs: 500, maxMs: 10_000 };

/** A CA that can't be used ends the process; an API server that can't be asked is asked again. */
async function openAuthority(cluster: Cluster, trustDomain: string): Promise<CertificateAuthority> {
  const { client, settings, logs, signal } = cluster;
  const options = { namespace: settings.namespace, trustDomain, clock: systemClock };
  const retry = createApiRetry(authorityBackoff, Math.random);
  for (;;) {
    try {
      const opened = await openClusterAuthority(client, options);
      if (opened.kind === "authority") return opened.authority;
      throw new UnusableAuthority(formatProblem(opened.problem));
    } catch (error) {
      if (error instanceof UnusableAuthority || signal.aborted) throw error;
      logs.ca.warn({ reason: error instanceof Error ? error.message : String(error) }, "ca not read");
      await pause(systemClock, retry.delayAfterMs(error), signal);
    }
  }
}

class UnusableAuthority extends Error {}

/** A revision has a Service of its own. */
function revisionNames({ namespace, revision }: ClusterSettings): readonly string[] {
  if (revision === "default") return [];
  return ["meltemi", "istiod"].flatMap((service) => [
    `${service}-${revision}.${namespace}.svc`,
    `${service}-${revision}.${namespace}.svc.cluster.local`,
  ]);
}

interface PlaintextService {
  readonly grpc: GrpcServer;
  readonly xds: XdsServer;
}

async function servePlaintext(
  { plaintextPort }: ClusterSettings,
  { grpc, xds }: PlaintextService,
): Promise<GrpcListener | undefined> {
  if (plaintextPort === undefined) return undefined;
  const endpoint = { kind: "tcp", host: "127.0.0.1", port: plaintextPort } as const;
  return await grpc.listen(endpoint, { methods: xds.methods({ servesSecrets: false }) });
}

function standForLeader({ client, settings, logs }: Cluster): LeaderElection {
  const { namespace, podName, revision } = settings;
  return startLeaderElection({
    client,
    clock: systemClock,
    random: Math.random,
    log: logs.leader,
    namespace,
    name: revision === "default" ? "meltemi-leader" : `meltemi-leader-${revision}`,
    identity: `${podName}_${randomUUID()}`,
  });
}

/** Runs `start` whenever this replica begins to lead, and what it returned when it leads no more. */
function whileLeading(election: LeaderElection, start: () => () => void): () => void {
  let end: (() => void) | undefined;
  const endWatch = election.watch((isLeader) => {
    end?.();
    end = isLeader ? start() : undefined;
  });
  return () => {
    endWatch();
    end?.();
  };
}

interface Leading {
  readonly authority: CertificateAuthority;
  readonly reports: FleetReports;
  readonly issuerKeys: ClusterIssuerKeys;
}

/** What only one replica may do. */
function startLeading(cluster: Cluster, { authority, reports, issuerKeys }: Leading): () => void {
  const { client, logs, plane, settings } = cluster;
  const { sources, graph } = plane;
  const { rootsPem } = authority;
  const shared = { client, clock: systemClock, random: Math.random, log: logs.leader };
  const endRoots = startRootCertificates({
    ...shared,
    rootsPem,
    namespaces: () => [...sources.Namespace.entries()].map(([, { metadata }]) => metadata.name),
    watchNamespaces: (listener) => graph.watch(sources.Namespace, () => listener()),
  });
  const labelSelector = `${INSTALLED_SELECTOR},${REVISION_LABEL}=${settings.revision}`;
  const endBundles = startWebhookBundles({ ...shared, rootsPem, labelSelector });
  const { uninjected } = cluster;
  const early = { pods: uninjected.replaceablePods, watchPods: uninjected.watch };
  const endReplacement = startPodReplacement({ ...shared, ...early });
  const endStatus = startPlaneStatus({ ...cluster, reports }, shared);
  const endKeys = issuerKeys.lead();
  return () => {
    endKeys();
    endRoots();
    endBundles();
    endReplacement();
    endStatus();
  };
}
