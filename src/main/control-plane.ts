// The control plane's process on one machine: watches the local store, serves xDS and certificates on a unix socket,
// plaintext xDS and admin on connections that its parent passes. It may die at any time: nothing here is lost.

import { chmod, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { createControlPlaneServer } from "../admin/control-plane-server.ts";
import { locatedProblems, proxyStatuses, refusalProblems } from "../admin/fleet-report.ts";
import { startCertificateRotation } from "../agent/certificate-rotation.ts";
import { systemClock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import { formatProblem, type Problem } from "../core/problem.ts";
import { GrpcServer } from "../grpc/server.ts";
import { GrpcError } from "../grpc/status.ts";
import {
  createCertificateAuthenticator,
  createTokenAuthenticator,
  firstAuthenticatorOf,
} from "../identity/authenticator.ts";
import { openPersistentAuthority } from "../identity/authority-store.ts";
import type { CertificateAuthority } from "../identity/certificate-authority.ts";
import { createCertificateMethod } from "../identity/certificate-method.ts";
import { createCertificateService } from "../identity/certificate-service.ts";
import { controlPlaneNames, createControlPlaneSigner } from "../identity/control-plane-certificate.ts";
import { createTokenIssuer } from "../identity/service-account-token.ts";
import { openTokenKey } from "../identity/token-key-store.ts";
import { receiveConnections } from "../local/supervisor/child-connections.ts";
import { watchRemoteStore } from "../sources/memory/watch-remote-store.ts";
import { type ControlPlaneMetrics, createControlPlaneMetrics } from "../telemetry/control-plane-metrics.ts";
import { createXdsServer } from "../xds/xds-server.ts";
import { parseControlPlaneSettings } from "./control-plane-settings.ts";
import { type ControlPlane, createControlPlane } from "./create-control-plane.ts";
import { createProcessLogger } from "./process-logger.ts";
import { readVersion } from "./project.ts";

// As Kubernetes names its own; the supervisor signs by this name.
const TOKEN_ISSUER = "https://kubernetes.default.svc";

async function main(): Promise<void> {
  const log = createProcessLogger("control-plane");
  const settings = parseControlPlaneSettings(process.argv.slice(2));
  if (settings === undefined) throw new Error("usage: control-plane --state-dir DIRECTORY --xds-socket PATH");
  const { stateDirectory, xdsSocket } = settings;
  const plane = createControlPlane({ clock: systemClock, log });
  await followStore(plane, join(stateDirectory, "store.sock"), log);
  const metrics = createControlPlaneMetrics(readVersion());
  const xds = createXdsServer(plane.fleet, { clock: systemClock, log, metrics: metrics.xds });
  const grpc = new GrpcServer({ clock: systemClock, log, random: Math.random });
  const serving = { plane, xds, metrics, grpc, stateDirectory, xdsSocket, log };
  await serveSecurely(serving);
  await servePlaintext(serving);
  tellProblems(plane);
  log.info({ stateDirectory }, "control plane ready");
}

interface Serving {
  readonly plane: ControlPlane;
  readonly xds: ReturnType<typeof createXdsServer>;
  readonly metrics: ControlPlaneMetrics;
  readonly grpc: GrpcServer;
  readonly stateDirectory: string;
  readonly xdsSocket: string;
  readonly log: Logger;
}

/** Resolves when all objects are in: whoever connects later gets the whole mesh at once. */
function followStore({ intake }: ControlPlane, socketPath: string, log: Logger): Promise<void> {
  return new Promise((resolve) => {
    void watchRemoteStore({
      socketPath,
      clock: systemClock,
      log,
      signal: new AbortController().signal,
      random: Math.random,
      onSync: (entries) => {
        intake.change(entries, []);
        intake.flush();
        resolve();
      },
      onEvents: ({ upserts, deletes }) => intake.change(upserts, deletes),
    });
  });
}

/** xDS over mTLS, and the certificate service, for the mesh's own workloads. */
async function serveSecurely({ plane, xds, grpc, stateDirectory, xdsSocket, log }: Serving): Promise<void> {
  const { trustDomain } = plane.model.settings.get("") ?? { trustDomain: "cluster.local" };
  const opened = await openPersistentAuthority(join(stateDirectory, "ca"), {
    clock: systemClock,
    trustDomain,
  });
  if (opened.kind === "problem") throw new Error(formatProblem(opened.problem));
  const { authority } = opened;
  const certificates = await certificateMethod(authority, { trustDomain, stateDirectory, log });
  const rotation = startCertificateRotation(
    createControlPlaneSigner(authority, controlPlaneNames({ trustDomain })),
    {
      names: controlPlaneNames({ trustDomain }),
      clock: systemClock,
      random: Math.random,
      log,
    },
  );
  const first = await new Promise<NonNullable<typeof rotation.current>>((resolve) => {
    const end = rotation.watch((certificate) => {
      resolve(certificate);
      queueMicrotask(() => end());
    });
  });
  const tlsOf = ({ chainPem, keyPem, rootsPem }: typeof first) => ({
    certificate: chainPem,
    key: keyPem.reveal(),
    clientRoots: rootsPem,
  });
  const listener = await grpc.listen(
    { kind: "unix", path: xdsSocket, mode: 0o666 },
    { tls: tlsOf(first), methods: [...xds.methods({ servesSecrets: true }), certificates] },
  );
  rotation.watch((certificate) => listener.updateTls(tlsOf(certificate)));
}

async function certificateMethod(
  authority: CertificateAuthority,
  { trustDomain, stateDirectory, log }: { trustDomain: string; stateDirectory: string; log: Logger },
) {
  const key = await openTokenKey(join(stateDirectory, "token-key.pem"));
  if (key.kind === "problem") throw new Error(formatProblem(key.problem));
  const issuer = createTokenIssuer(key.key, { clock: systemClock, issuer: TOKEN_ISSUER });
  const authenticator = firstAuthenticatorOf([
    createTokenAuthenticator(issuer, { trustDomain, audiences: ["istio-ca"] }),
    createCertificateAuthenticator([trustDomain]),
  ]);
  const service = createCertificateService(authority, { authenticator, log });
  return createCertificateMethod(service, (status, message) => new GrpcError(status, message));
}

/** What the machine's own ports lead to, and the admin socket. No secret goes this way. */
async function servePlaintext({ plane, xds, metrics, grpc, stateDirectory, log }: Serving): Promise<void> {
  const plaintext = createServer();
  await grpc.listen(
    { kind: "handle", server: plaintext },
    { methods: xds.methods({ servesSecrets: false }) },
  );
  const locate = plane.intake.locate.bind(plane.intake);
  const answers = {
    proxies: () => proxyStatuses(plane.fleet, locate),
    problems: () => allProblems(plane),
    version: () => ({ version: readVersion() }),
    isReady: () => true,
    metrics: () => metrics.text(),
  };
  const admin = createControlPlaneServer(answers, log);
  await listenOnSocket(admin, join(stateDirectory, "control-plane.sock"));
  const passed = { xds: plaintext, admin };
  receiveConnections(process, (name, socket) => {
    if (name === "xds" || name === "admin") passed[name].emit("connection", socket);
    else socket.destroy();
  });
}

function allProblems({ problems, fleet, intake }: ControlPlane): readonly Problem[] {
  const locate = intake.locate.bind(intake);
  const found = [...problems.entries()].map(([, ofObject]) => ofObject);
  return [...locatedProblems(found, locate), ...refusalProblems(fleet, locate)];
}

/** The parent shows them to the user, beside those that it finds itself. */
function tellProblems(plane: ControlPlane): void {
  let told = "[]";
  const tell = () => {
    const problems = allProblems(plane);
    const text = JSON.stringify(problems);
    if (text === told || !process.connected) return;
    told = text;
    process.send?.({ meltemi: "problems", problems });
  };
  plane.problems.watch(tell);
  plane.fleet.watchRefusals(tell);
  tell();
}

async function listenOnSocket(server: Server, path: string): Promise<void> {
  await rm(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  await chmod(path, 0o600);
}

main().catch((error: unknown) => {
  process.stderr.write(
    `control plane: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exit(1);
});
