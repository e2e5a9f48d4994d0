// The control plane's port for monitoring in a cluster: health and metrics for everybody, the rest of the admin
// interface for whoever reaches it from inside the pod, as a port-forward does.

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import { quoted } from "../core/quoted.ts";
import { publicPaths } from "./control-plane-server.ts";
import { requestedUrl } from "./requested-url.ts";

/** `admin` answers; it needn't listen anywhere itself. */
export function createMonitoringServer(admin: Server): Server {
  return createServer((request: IncomingMessage, response: ServerResponse) => {
    const { pathname } = requestedUrl(request);
    if (publicPaths.has(pathname) || isLoopback(request.socket.remoteAddress)) {
      admin.emit("request", request, response);
      return;
    }
    response.writeHead(403, { "content-type": "application/json" });
    const error = `${quoted(pathname)} is answered to loopback only: use a port-forward`;
    response.end(JSON.stringify({ error }));
  });
}

function isLoopback(address = ""): boolean {
  const ipv4 = address.replace(/^::ffff:/, "");
  return ipv4 === "::1" || ipv4.startsWith("127.");
}
