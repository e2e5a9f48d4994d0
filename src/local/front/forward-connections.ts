// Joins each TCP connection that a server accepts with a new one to a target, byte for byte, in both directions.
// Holds no more than the streams' own buffers: a slow reader stops the other side's reading.

import type { Server, Socket } from "node:net";
import { connect } from "node:net";
import { assertNever } from "../../core/assert-never.ts";
import { keepAccepting } from "../../core/listening.ts";
import type { Logger } from "../../core/logger.ts";

export type ForwardTarget =
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

export interface Forwarding {
  readonly connectionCount: number;
  /** Stops accepting, and cuts what is open after `graceMs` (0: at once). */
  close(): void;
}

export interface ForwardOptions {
  /** Asked for each connection; undefined closes it, as a port that nobody listens on would. */
  readonly target: () => ForwardTarget | undefined;
  /** Connections above this are closed at once. */
  readonly maxConnections?: number;
  readonly onFailure?: (cause: Error) => void;
  readonly log: Logger;
}

export function forwardConnections(server: Server, options: ForwardOptions): Forwarding {
  const { maxConnections = 4_096, onFailure = () => undefined } = options;
  const open = new Set<Socket>();
  const accept = (client: Socket): void => {
    const target = options.target();
    if (target === undefined || open.size >= maxConnections || !isLoopback(client)) {
      client.destroy();
      return;
    }
    open.add(client);
    client.once("close", () => open.delete(client));
    join(client, dial(target), onFailure);
  };
  server.on("connection", accept);
  keepAccepting(server, options.log);
  return {
    get connectionCount() {
      return open.size;
    },
    close() {
      server.off("connection", accept);
      server.close();
      for (const client of open) client.destroy();
    },
  };
}

function join(client: Socket, upstream: Socket, onFailure: (cause: Error) => void): void {
  // Each direction ends by itself: a client may finish sending and still wait for the answer.
  client.allowHalfOpen = true;
  client.setNoDelay(true);
  client.on("error", () => upstream.destroy());
  upstream.on("error", (cause) => {
    onFailure(cause);
    client.resetAndDestroy();
  });
  client.on("close", () => upstream.destroy());
  upstream.on("close", () => {
    if (!client.writableFinished) client.destroySoon();
  });
  client.pipe(upstream);
  upstream.pipe(client);
}

function dial(target: ForwardTarget): Socket {
  switch (target.kind) {
    case "path":
      return connect({ path: target.path, allowHalfOpen: true });
    case "tcp":
      return connect({ host: target.host, port: target.port, allowHalfOpen: true, noDelay: true });
    default:
      return assertNever(target);
  }
}

// The listening sockets are bound to loopback; this guards against one that isn't.
function isLoopback(client: Socket): boolean {
  const { remoteAddress } = client;
  return remoteAddress !== undefined && /^(127\.|::1$|::ffff:127\.)/.test(remoteAddress);
}
