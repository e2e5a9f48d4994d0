// The supervisor of a local mesh: a process inside the mesh's own namespaces, started by the front, that holds
// everything of the mesh but the control plane, and ends with the front.

import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import type { Server } from "node:net";
import { dirname, join } from "node:path";
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
import { podOwner } from "../local/supervisor/control-plane-sockets.ts";
import { createSupervisorStore } from "../local/supervisor/create-supervisor-store.ts";
import type {
  FrontMessage,
  SupervisorMessage,
  SupervisorSettings,
} from "../local/supervisor/front-protocol.ts";
import { MeshSupervisor, makeStateDirectories } from "../local/supervisor/mesh-supervisor.ts";
import { endOnFault } from "../process/last-handler.ts";
import { createProcessLogger } from "../process/process-logger.ts";
import { describeStartFailure, StartFailure } from "../process/start-failure.ts";
import { ObjectStore } from "../sources/memory/object-store.ts";
import { serveStore } from "../sources/memory/serve-store.ts";

const CONTROL_PLANE_NAME = "meltemi.meltemi-system.svc";
const TOKEN_AUDIENCE = "istio-ca";
const TOKEN_TTL_SECONDS = 3_600;
const LONGEST_WAIT_MS = 10_000;
const LOOK_AGAIN_MS = 25;
const LOST_FRONT_GRACE_SECONDS = 1;
// Short, since agents' sockets lie below, and open to the proxies' user; it is the mesh's own, not the machine's.
const RUN_DIRECTORY = "/run/meltemi";
// Where the agents in this process have certificates signed. No pod sees it: each has a socket of its own.
const XDS_SOCKET = join(RUN_DIRECTORY, "control-plane", "xds.sock");

const processLog = createProcessLogger("supervisor");
endOnFault(processLog);
obeyFront(processLog);

/** Does what the front says until it says shutdown, or is gone. */
function obeyFront(log: Logger): void {
  let supervisor: Promise<MeshSupervisor> | undefined;
  let _ending: Promise<void> | undefined;
  // Listeners may come before the settings do.
  const earlyListeners = new Map<string, Server>();

  const end = (graceSeconds: number): void => {
    _ending ??= (async () => {
      const running = await supervisor?.catch(() => undefined);
      await running?.close(graceSeconds);
      process.exit(0);
    })();
  };
  const begin = async (settings: SupervisorSettings): Promise<void> => {
    supervisor = startSupervisor(settings, log, () => end(LOST_FRONT_GRACE_SECONDS));
    const running = await supervisor;
    for (const [name, server] of earlyListeners) running.attach(name, server);
    earlyListeners.clear();
  };
  receiveListeners(process, (name, server) => {
    if (supervisor === undefined) earlyListeners.set(name, server);
    else void supervisor.then((running) => running.attach(name, server));
  });
  process.on("message", (message: unknown) => {
    if (!isFrontMessage(message)) return;
    if (message.kind === "shutdown") end(message.graceSeconds);
    else if (message.kind === "start") void begin(message.settings).catch(die);
    else void supervisor?.then((running) => running.take(message));
  });
  process.on("disconnect", () => end(LOST_FRONT_GRACE_SECONDS));
  process.on("SIGTERM", () => end(LOST_FRONT_GRACE_SECONDS));
  process.on("SIGINT", () => end(LOST_FRONT_GRACE_SECONDS));
}

/** The front is told why in a sentence; the log has the stack. */
function die(error: unknown): void {
  processLog.error({ error }, "supervisor can't start");
  const sentence = describeStartFailure(error, "The mesh can't start");
  // Where the front has gone there is nobody to tell.
  if (!process.connected) process.exit(1);
  process.send?.({ kind: "failed", sentence } satisfies SupervisorMessage, undefined, undefined, () =>
    process.exit(1),
  );
}

async function startSupervisor(
  settings: SupervisorSettings,
  log: Logger,
  onShutdown: () => void,
): Promise<MeshSupervisor> {
  const { stateDirectory, podCidr, serviceCidr, egress } = settings;
  makeStateDirectories(settings);
  mkdirSync(dirname(XDS_SOCKET), { recursive: true, mode: 0o700 });
  const store = new ObjectStore();
  await serveStore(store, { socketPath: join(stateDirectory, "store.sock"), log });
  const network = await createMeshNetwork({
    stateDirectory,
    podCidr,
    serviceCidr,
    hiddenDirectories: settings.hiddenDirectories,
    readOnlyDirectories: settings.readOnlyDirectories,
    ...(egress === undefined ? {} : { egress }),
    log,
    clock: systemClock,
  });
  const identity = await openIdentity(stateDirectory);
  const running = new MeshSupervisor({
    ...identity,
    settings: { ...settings, controlPlaneArgv: controlPlaneArgv(settings) },
    store: createSupervisorStore(store, { clock: systemClock, newUid: randomUUID }),
    network,
    clock: systemClock,
    random: Math.random,
    log,
    send,
    runDirectory: RUN_DIRECTORY,
    onShutdown,
  });
  await running.start();
  return running;
}

/** The flags that the control plane gets: where the mesh's state is, and where agents look for it. */
function controlPlaneArgv(settings: SupervisorSettings): SupervisorSettings["controlPlaneArgv"] {
  const [program, ...args] = settings.controlPlaneArgv;
  return [program, ...args, "--state-dir", settings.stateDirectory, "--xds-socket", XDS_SOCKET];
}

function send(message: SupervisorMessage): void {
  // The front may have gone; what is then left to say has no listener.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

/** Tokens are issued here, certificates are signed by the control plane, which knows the tokens' key. */
async function openIdentity(stateDirectory: string) {
  const tokens = await openTokens(join(stateDirectory, "token-key.pem"));
  const rootsPem = () => readRoots(join(stateDirectory, "ca", "root-cert.pem"));
  const issueToken = async (pod: Pod, request: { audience: string | undefined; ttlSeconds: number }) => {
    const { audience = TOKEN_AUDIENCE, ttlSeconds: expirationSeconds } = request;
    return tokens.issueToken({ ...podOwner(pod), audiences: [audience], expirationSeconds }).reveal();
  };
  return {
    controlPlaneName: CONTROL_PLANE_NAME,
    signerFor: signersOf(tokens, rootsPem),
    issueToken,
    rootsPem,
  };
}

async function openTokens(path: string): Promise<TokenIssuer> {
  const opened = await openTokenKey(path);
  if (opened.kind === "problem") throw new StartFailure(formatProblem(opened.problem));
  return createTokenIssuer(opened.key, { clock: systemClock, issuer: "https://kubernetes.default.svc" });
}

function signersOf(tokens: TokenIssuer, rootsPem: () => string | undefined) {
  const target = () => {
    const tls = { serverRoots: rootsPem() ?? "", serverName: CONTROL_PLANE_NAME };
    return { kind: "unix", path: XDS_SOCKET, tls } as const;
  };
  const client = new GrpcClient(target, { clock: systemClock });
  return (pod: Pod) => {
    const request = {
      ...podOwner(pod),
      audiences: [TOKEN_AUDIENCE],
      expirationSeconds: TOKEN_TTL_SECONDS,
    };
    const sign = createCertificateClient(client, { readToken: async () => tokens.issueToken(request) });
    return async (csr: string, ttlMs: number) => {
      await untilThere(XDS_SOCKET);
      return sign(csr, ttlMs);
    };
  };
}

// The first pods are up before the control plane is; a failed request would cost them the client's back-off.
async function untilThere(socket: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < LONGEST_WAIT_MS && !existsSync(socket); waitedMs += LOOK_AGAIN_MS) {
    await new Promise<void>((resolve) => systemClock.after(LOOK_AGAIN_MS, resolve));
  }
}

/** Undefined until the control plane has made the CA, at its first start. */
function readRoots(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function isFrontMessage(message: unknown): message is FrontMessage {
  return typeof message === "object" && message !== null && "kind" in message && !("meltemi" in message);
}
