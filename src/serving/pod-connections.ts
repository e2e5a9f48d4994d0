// Connections that came by a pod's own socket, each passed on with that pod's name by the supervisor, who made the socket
// where nobody else can reach it. A pod has a listener here while it has a connection: nothing is left of pods that are gone.

import { createServer, type Server, type Socket } from "node:net";
import type { Logger } from "../core/logger.ts";
import type { PodOwner, ProvenIdentity } from "../core/stream-identity.ts";
import type { GrpcMethod } from "../grpc/method.ts";
import type { GrpcListener, GrpcServer } from "../grpc/server.ts";
import type { XdsServer } from "../xds/xds-server.ts";
import type { ControlPlaneIdentity } from "./control-plane-identity.ts";
import { listenSecurely } from "./serve-securely.ts";

export interface PodConnectionsOptions {
  readonly grpc: GrpcServer;
  readonly xds: XdsServer;
  readonly identity: ControlPlaneIdentity;
  readonly trustDomain: string;
  /** What a pod is served besides. */
  readonly methodsOf: (owner: ProvenIdentity) => readonly GrpcMethod[];
  readonly log: Logger;
}

interface PodListener {
  readonly server: Server;
  readonly listening: Promise<GrpcListener>;
  readonly sockets: Set<Socket>;
}

/** An Envoy has one, and a second for a moment after one broke; its agent has one while there is traffic. */
const MAX_CONNECTIONS_PER_POD = 32;

export class PodConnections {
  readonly #options: PodConnectionsOptions;
  readonly #listeners = new Map<string, PodListener>();

  constructor(options: PodConnectionsOptions) {
    this.#options = options;
  }

  /** How many pods have a connection. */
  get podCount(): number {
    return this.#listeners.size;
  }

  take(socket: Socket, owner: PodOwner): void {
    const key = `${owner.namespace}/${owner.pod.name}/${owner.pod.uid}`;
    const listener = this.#listeners.get(key) ?? this.#listen(owner);
    if (listener.sockets.size >= MAX_CONNECTIONS_PER_POD) {
      this.#options.log.warn(
        { pod: owner.pod.name, namespace: owner.namespace },
        "pod has too many connections",
      );
      return void socket.destroy();
    }
    this.#listeners.set(key, listener);
    listener.sockets.add(socket);
    socket.once("close", () => this.#release(key, listener, socket));
    listener.listening.then(
      () => listener.server.emit("connection", socket),
      (error: unknown) => {
        this.#options.log.error({ error, pod: owner.pod.name }, "pod can't be served");
        socket.destroy();
      },
    );
  }

  #listen(owner: PodOwner): PodListener {
    const { grpc, xds, identity, trustDomain, methodsOf } = this.#options;
    const server = createServer();
    const { namespace, serviceAccount, pod } = owner;
    const proven = { proof: "socket", trustDomain, namespace, serviceAccount, pod } as const;
    const methods = [...xds.methods({ servesSecrets: true, owner: proven }), ...methodsOf(proven)];
    const listening = listenSecurely({ kind: "handle", server }, { grpc, identity, methods });
    return { server, listening, sockets: new Set() };
  }

  #release(key: string, listener: PodListener, socket: Socket): void {
    listener.sockets.delete(socket);
    if (listener.sockets.size > 0) return;
    this.#listeners.delete(key);
    // What couldn't listen was said when it failed.
    void listener.listening.then(
      (opened) => opened.close(),
      () => undefined,
    );
  }
}
