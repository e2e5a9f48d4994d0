// Servers that stay: one connection that can't be accepted, for want of file descriptors or memory, is told of, and the next
// one may do better. Node ends a process for an `error` that no listener hears.

import type { Logger } from "./logger.ts";

/** A server of `node:net`, `node:http` or `node:https`, as far as it is needed here. */
export interface AcceptingServer {
  on(event: "error", listener: (error: Error) => void): unknown;
}

export interface ListeningServer<Endpoint> extends AcceptingServer {
  once(event: "error", listener: (error: Error) => void): unknown;
  off(event: "error", listener: (error: Error) => void): unknown;
  listen(endpoint: Endpoint, ready: () => void): unknown;
}

/** For a server that listens, or gets its connections from elsewhere. */
export function keepAccepting(server: AcceptingServer, log: Logger): void {
  server.on("error", (error) => log.error({ error: error.message }, "connection not accepted"));
}

/** Resolves once connections are accepted; rejects with the system's reason where it can't listen. */
export function startListening<Endpoint>(
  server: ListeningServer<Endpoint>,
  endpoint: Endpoint,
  log: Logger,
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(endpoint, () => {
      server.off("error", reject);
      keepAccepting(server, log);
      resolve();
    });
  });
}
