// The supervisor of a local mesh: a process inside the mesh's own namespaces, started by the front, that holds
// everything of the mesh but the control plane, and ends with the front.

import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import type { Server } from "node:net";
import { join } from "node:path";
import { createCertificateClient } from "../agent/certificate-client.ts";
import { systemClock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import { formatProblem } from "../core/problem.ts";
import { GrpcClient } from "../grpc/client.ts";
import type { TokenIssuer } from "../identity/service-account-token.ts";
import { createTokenIssuer } from "../identity/service-account-token.ts";
import { openTokenKey } from "../identity/token-key-store.ts";
import type { Pod } from "../kinds/pod/pod.ts";
import { receiveListeners } from "../local/front/pass-listener.ts";
import { createMeshNetwork } from "../local/network/mesh-network.ts";
import type {
  FrontMessage,
  SupervisorMessage,
  SupervisorSettings,
} from "../local/supervisor/front-protocol.ts";
import { MeshSupervisor, makeStateDirectories } from "../local/supervisor/mesh-supervisor.ts";
import { ObjectStore } from "../sources/memory/object-store.ts";
import { serveStore } from "../sources/memory/serve-store.ts";
import { createSupervisorStore } from "./supervisor-store.ts";

const CONTROL_PLANE_NAME = "meltemi.meltemi-system.svc";
const TOKEN_AUDIENCE = "istio-ca";
const TOKEN_TTL_SECONDS = 3_600;
const LOST_FRONT_GRACE_SECONDS = 1;
// Short, since agents' sockets lie below, and open to the proxies' user; it is the mesh's own, not the machine's.
const RUN_DIRECTORY = "/run/meltemi";

const log = createJsonLogger();
let supervisor: Promise<MeshSupervisor> | undefined;
let ending: Promise<void> | undefined;

// Listeners may come before the settings do.
const earlyListeners = new Map<string, Server>();
receiveListeners(process, (name, server) => {
  if (supervisor === undefined) earlyListeners.set(name, server);
  else void supervisor.then((running) => running.attach(name, server));
});
process.on("message", (message: unknown) => {
  if (isFrontMessage(message)) void take(message);
});
process.on("disconnect", () => void end(LOST_FRONT_GRACE_SECONDS));
for (const signal of ["SIGTERM", "SIGINT"] as const)
  process.on(signal, () => void end(LOST_FRONT_GRACE_SECONDS));

async function take(message: FrontMessage): Promise<void> {
  if (message.kind === "shutdown") return end(message.graceSeconds);
  if (message.kind !== "start") {
    (await supervisor)?.take(message);
    return;
  }
  supervisor = start(message.settings);
  try {
    const running = await supervisor;
    for (const [name, server] of earlyListeners) running.attach(name, server);
    earlyListeners.clear();
  } catch (cause) {
    process.stderr.write(`${cause instanceof Error ? (cause.stack ?? cause.message) : cause}\n`);
    process.exit(1);
  }
}

async function start(settings: SupervisorSettings): Promise<MeshSupervisor> {
  const { stateDirectory, podCidr, serviceCidr, egress } = settings;
  makeStateDirectories(settings);
  mkdirSync(RUN_DIRECTORY, { recursive: true, mode: 0o755 });
  const store = new ObjectStore();
  await serveStore(store, { socketPath: join(stateDirectory, "store.sock"), log });
  const network = await createMeshNetwork({
    stateDirectory,
    podCidr,
    serviceCidr,
    ...(egress === undefined ? {} : { egress }),
    log,
    clock: systemClock,
  });
  const tokens = await openTokens(join(stateDirectory, "token-key.pem"));
  const xdsSocket = join(RUN_DIRECTORY, "xds.sock");
  const rootsPem = () => readRoots(join(stateDirectory, "ca", "root-cert.pem"));
  const [program, ...args] = settings.controlPlaneArgv;
  const running = new MeshSupervisor({
    settings: {
      ...settings,
      controlPlaneArgv: [program, ...args, "--state-dir", stateDirectory, "--xds-socket", xdsSocket],
    },
    store: createSupervisorStore(store, { clock: systemClock, newUid: randomUUID }),
    network,
    clock: systemClock,
    random: Math.random,
    log,
    send,
    controlPlane: { kind: "unix", path: xdsSocket, tlsServerName: CONTROL_PLANE_NAME },
    signerFor: signersOf(xdsSocket, tokens, rootsPem),
    issueToken: async (pod, { audience, ttlSeconds }) =>
      tokens
        .issueToken({
          ...subjectOf(pod),
          audiences: [audience ?? TOKEN_AUDIENCE],
          expirationSeconds: ttlSeconds,
        })
        .reveal(),
    rootsPem,
    runDirectory: RUN_DIRECTORY,
    onShutdown: () => void end(LOST_FRONT_GRACE_SECONDS),
  });
  await running.start();
  return running;
}

function end(graceSeconds: number): Promise<void> {
  ending ??= endNow(graceSeconds);
  return ending;
}

async function endNow(graceSeconds: number): Promise<void> {
  const running = await supervisor?.catch(() => undefined);
  await running?.close(graceSeconds);
  process.exit(0);
}

function send(message: SupervisorMessage): void {
  // The front may have gone; what is then left to say has no listener.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

async function openTokens(path: string): Promise<TokenIssuer> {
  const opened = await openTokenKey(path);
  if (opened.kind === "problem") throw new Error(formatProblem(opened.problem));
  return createTokenIssuer(opened.key, { clock: systemClock, issuer: "https://kubernetes.default.svc" });
}

function signersOf(xdsSocket: string, tokens: TokenIssuer, rootsPem: () => string | undefined) {
  const client = new GrpcClient(
    () => ({
      kind: "unix",
      path: xdsSocket,
      tls: { serverRoots: rootsPem() ?? "", serverName: CONTROL_PLANE_NAME },
    }),
    { clock: systemClock },
  );
  return (pod: Pod) =>
    createCertificateClient(client, {
      readToken: async () =>
        tokens.issueToken({
          ...subjectOf(pod),
          audiences: [TOKEN_AUDIENCE],
          expirationSeconds: TOKEN_TTL_SECONDS,
        }),
    });
}

function subjectOf({ metadata, spec }: Pod) {
  const { namespace, name, uid = "" } = metadata;
  return { namespace, serviceAccount: spec.serviceAccountName ?? "default", pod: { name, uid } };
}

/** The control plane makes the CA at its first start. */
function readRoots(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function createJsonLogger(): Logger {
  const write = (level: string) => (fields: object, event: string) => {
    process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), level, event, ...fields })}\n`);
  };
  return { debug: () => undefined, info: write("info"), warn: write("warn"), error: write("error") };
}

function isFrontMessage(message: unknown): message is FrontMessage {
  return typeof message === "object" && message !== null && "kind" in message && !("meltemi" in message);
}
