// The admin interface for whoever is on the machine: every user of it may read, and none but the owner of the unix
// socket may change anything.

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";

/** `admin` answers; it needn't listen anywhere itself. */
export function createReadingServer(admin: Server): Server {
  return createServer((request: IncomingMessage, response: ServerResponse) => {
    if (request.method === "GET") {
      admin.emit("request", request, response);
      return;
    }
    response.writeHead(403, { "content-type": "application/json" });
    response.end(JSON.stringify({ error: "Nothing is changed on this port: use the command meltemi admin" }));
  });
}
