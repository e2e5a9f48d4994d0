// The control plane's port for monitoring in a cluster: health and metrics for everybody, the rest of the admin
// interface for whoever reaches it from inside the pod, as a port-forward does.

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { Socket } from "node:net";
import { systemClock } from "../core/clock.ts";
import { ConnectionBudget } from "../core/connection-budget.ts";
import type { Logger } from "../core/logger.ts";
import { quoted } from "../core/quoted.ts";
import { publicPaths } from "./control-plane-server.ts";
import { requestedUrl } from "./requested-url.ts";

/** Prometheus and kubelet need a few, and wait for no answer that long. */
const CONNECTION_LIMITS = {
  maxConnections: 256,
  maxUnproven: 128,
  maxPerAddress: 64,
  proofTimeoutMs: 10_000,
};
const REQUEST_TIMEOUT_MS = 10_000;
const REQUEST_CHECK_MS = 5_000;

/** `admin` answers; it needn't listen anywhere itself. */
export function createMonitoringServer(admin: Server, log: Logger): Server {
  const budget = new ConnectionBudget(CONNECTION_LIMITS, { clock: systemClock, log });
  const bounds = {
    requestTimeout: REQUEST_TIMEOUT_MS,
    headersTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: REQUEST_CHECK_MS,
  };
  const server = createServer(bounds, (request: IncomingMessage, response: ServerResponse) => {
    budget.admissionOf(request.socket)?.proven();
    const { pathname } = requestedUrl(request);
    if (publicPaths.has(pathname) || isLoopback(request.socket.remoteAddress)) {
      admin.emit("request", request, response);
      return;
    }
    response.writeHead(403, { "content-type": "application/json" });
    const error = `${quoted(pathname)} is answered to loopback only: use a port-forward`;
    response.end(JSON.stringify({ error }));
  });
  // Who comes through a port-forward has been let into the pod, and may read slowly.
  server.prependListener("connection", (socket: Socket) => {
    if (!isLoopback(socket.remoteAddress)) budget.admit(socket);
  });
  return server;
}

function isLoopback(address = ""): boolean {
  const ipv4 = address.replace(/^::ffff:/, "");
  return ipv4 === "::1" || ipv4.startsWith("127.");
}
