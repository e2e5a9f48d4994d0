// A gRPC server on node:http2: plaintext or TLS, on TCP, unix sockets and listening handles passed by another
// process. It knows connections and calls; what is served comes in as methods, per listener.

import { constants as cryptoConstants } from "node:crypto";
import { chmodSync, rmSync } from "node:fs";
import type { Http2SecureServer, Http2Server, ServerHttp2Session } from "node:http2";
import { createSecureServer, createServer } from "node:http2";
import type { AddressInfo, Server, Socket } from "node:net";
import { createServer as createSocketServer } from "node:net";
import type { Clock } from "../core/clock.ts";
import { ConnectionBudget, type ConnectionBudgetLimits } from "../core/connection-budget.ts";
import { keepAccepting, startListening } from "../core/listening.ts";
import type { Logger } from "../core/logger.ts";
import { contain } from "./containment.ts";
import type { GrpcMethod } from "./method.ts";
import type { ConnectionLimits } from "./server-connection.ts";
import { ServerConnection } from "./server-connection.ts";
import type { ServerTls } from "./tls-identity.ts";
import { secureContextOptions } from "./tls-identity.ts";

export type GrpcEndpoint =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  /** A stale socket file is replaced. */
  | { readonly kind: "unix"; readonly path: string; readonly mode?: number }
  /** A server that listens already, such as one received over Node's IPC; its other connection listeners are removed. */
  | { readonly kind: "handle"; readonly server: Server };

export interface ListenOptions {
  readonly methods: readonly GrpcMethod[];
  readonly tls?: ServerTls;
}

export interface GrpcServerOptions extends Partial<ConnectionLimits> {
  readonly clock: Clock;
  readonly log: Logger;
  /** In [0, 1): spreads the ages at which connections are closed. */
  readonly random: () => number;
  /** Of the connections to all TCP ports that this server opens; unix sockets have the file system's rights. */
  readonly connections?: Partial<ConnectionBudgetLimits>;
}

export interface GrpcListener {
  /** The TCP port, or undefined on a unix socket. */
  readonly port: number | undefined;
  /** Replaces certificate, key and roots for the handshakes to come. */
  updateTls(tls: ServerTls): void;
  /** Stops accepting; open connections stay. */
  close(): Promise<void>;
}

const defaultLimits: ConnectionLimits = {
  maxMessageBytes: 16 * 1024 * 1024,
  maxConcurrentCalls: 1000,
  keepaliveIntervalMs: 30_000,
  keepaliveTimeoutMs: 20_000,
  maxConnectionAgeMs: Number.POSITIVE_INFINITY,
  maxConnectionAgeGraceMs: 10_000,
};

/**
 * A proxy needs one connection or two, but many may come through one address: virtual machines behind a router, a node that
 * translates addresses. All that were sent away by another replica may shake hands at the same time.
 */
const defaultBudget: ConnectionBudgetLimits = {
  maxConnections: 16_384,
  maxUnproven: 4_096,
  maxPerAddress: 512,
  proofTimeoutMs: 30_000,
};
const HANDSHAKE_TIMEOUT_MS = 10_000;

const MAX_SESSION_MEGABYTES = 256;
/** What a short call needs to end; streams go on for ever. */
const DISMISSAL_MS = 1_000;

export class GrpcServer {
  readonly #options: GrpcServerOptions & ConnectionLimits;
  readonly #connections = new Set<ServerConnection>();
  readonly #listeners = new Set<GrpcListener>();
  readonly #budget: ConnectionBudget;
  #wakeDrain: (() => void) | undefined;

  constructor(options: GrpcServerOptions) {
    this.#options = { ...defaultLimits, ...options };
    this.#budget = new ConnectionBudget({ ...defaultBudget, ...options.connections }, options);
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Over TCP, handshakes in progress included. */
  get admittedCount(): number {
    return this.#budget.connectionCount;
  }

  /** Resolves once connections are accepted; rejects as `net.Server.listen` would. */
  async listen(endpoint: GrpcEndpoint, options: ListenOptions): Promise<GrpcListener> {
    const http2 = this.#createHttp2Server(options);
    const acceptor = endpoint.kind === "handle" ? endpoint.server : createSocketServer();
    acceptor.removeAllListeners("connection");
    const take = (socket: Socket): void => {
      if (endpoint.kind !== "tcp" || this.#budget.admit(socket)) http2.emit("connection", socket);
    };
    acceptor.on("connection", (socket: Socket) =>
      contain("connection", () => take(socket), {
        log: this.#options.log,
        giveUp: () => socket.destroy(),
      }),
    );
    await listenAt(acceptor, endpoint, this.#options.log);
    const listener: GrpcListener = {
      port: portOf(acceptor),
      updateTls: (tls) => {
        if (!isSecure(http2)) throw new Error("Cannot update TLS of a plaintext listener");
        http2.setSecureContext(secureContextOptions(tls, tls.clientRoots));
      },
      close: () => {
        this.#listeners.delete(listener);
        return new Promise((resolve) => acceptor.close(() => resolve()));
      },
    };
    this.#listeners.add(listener);
    return listener;
  }

  /**
   * Stops accepting, tells clients to go (GOAWAY), waits for calls to end, and after `timeoutMs` ends them UNAVAILABLE.
   * With `spreadMs`, clients are told one by one over that time: they don't all come to another server at once.
   */
  async drain(timeoutMs: number, { spreadMs = 0 }: { readonly spreadMs?: number } = {}): Promise<void> {
    const { clock, random } = this.#options;
    const closing = [...this.#listeners].map((listener) => listener.close());
    for (const connection of this.#connections) {
      if (spreadMs === 0) connection.goAway();
      else
        clock.after(random() * spreadMs, () =>
          connection.dismiss(DISMISSAL_MS, "The server is shutting down"),
        );
    }
    const cancel = clock.after(timeoutMs, () => {
      for (const connection of this.#connections) connection.close("The server is shutting down");
    });
    while (this.#connections.size > 0) {
      await new Promise<void>((resolve) => {
        this.#wakeDrain = resolve;
      });
    }
    cancel();
    await Promise.all(closing);
  }

  /** Breaks every connection off; clients see them reset. */
  async close(): Promise<void> {
    for (const connection of this.#connections) connection.destroy();
    await Promise.all([...this.#listeners].map((listener) => listener.close()));
  }

  #createHttp2Server({ methods, tls }: ListenOptions): Http2Server | Http2SecureServer {
    const settings = {
      settings: { maxConcurrentStreams: this.#options.maxConcurrentCalls },
      // Node refuses new streams while more than this is queued on a connection; a large mesh's first push passes 10.
      maxSessionMemory: MAX_SESSION_MEGABYTES,
    };
    const server: Http2Server | Http2SecureServer =
      tls === undefined
        ? createServer(settings)
        : createSecureServer({
            ...settings,
            ...secureContextOptions(tls, tls.clientRoots),
            handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
            // A resumed session would keep the verdict on a certificate that has expired since, or whose root is gone.
            secureOptions: cryptoConstants.SSL_OP_NO_TICKET,
            ALPNProtocols: ["h2"],
            requestCert:
              (tls.clientCertificates ?? (tls.clientRoots === undefined ? "none" : "optional")) !== "none",
            // A client without a certificate is let through to the methods; a wrong one is refused by the connection.
            rejectUnauthorized: tls.clientCertificates === "required",
          });
    const methodsByPath = new Map(methods.map((method) => [method.path, method]));
    server.on("session", (session) =>
      contain("session", () => this.#accept(session, methodsByPath), {
        log: this.#options.log,
        giveUp: () => session.destroy(),
      }),
    );
    server.on("sessionError", (error) =>
      this.#options.log.debug({ error: error.message }, "grpc session failed"),
    );
    server.on("tlsClientError", (error: Error) =>
      this.#options.log.info({ error: error.message }, "tls handshake failed"),
    );
    return server;
  }

  #accept(session: ServerHttp2Session, methods: ReadonlyMap<string, GrpcMethod>): void {
    const admission = this.#budget.admissionOf(session.socket);
    const connection = new ServerConnection(session, methods, { ...this.#options, admission });
    this.#connections.add(connection);
    session.once("close", () => {
      this.#connections.delete(connection);
      this.#wakeDrain?.();
    });
    connection.start();
  }
}

function isSecure(server: Http2Server | Http2SecureServer): server is Http2SecureServer {
  return "setSecureContext" in server;
}

async function listenAt(acceptor: Server, endpoint: GrpcEndpoint, log: Logger): Promise<void> {
  switch (endpoint.kind) {
    case "handle":
      return keepAccepting(acceptor, log);
    case "tcp": {
      const { port, host } = endpoint;
      return startListening(acceptor, { port, ...(host !== undefined && { host }) }, log);
    }
    case "unix":
      rmSync(endpoint.path, { force: true });
      await startListening(acceptor, { path: endpoint.path }, log);
      if (endpoint.mode !== undefined) chmodSync(endpoint.path, endpoint.mode);
  }
}

function portOf(acceptor: Server): number | undefined {
  const address: AddressInfo | string | null = acceptor.address();
  return typeof address === "object" && address !== null ? address.port : undefined;
}
