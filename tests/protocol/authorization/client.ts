// Calls as clients make them, over mutual TLS or TLS alone.

import { request } from "node:https";
import { type ConnectionOptions, connect } from "node:tls";
import type { Call } from "./call.ts";
import type { Credentials } from "./credentials.ts";
import type { Verdict } from "./evaluator.ts";

const DEADLINE_MS = 10_000;

/** Throws for an answer that is no verdict. */
export function callOverHttp(call: Call, credentials: Credentials): Promise<Verdict> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      ...connection(call, credentials),
      agent: false,
      method: call.method,
      path: call.path,
      setHost: false,
      headers: {
        ...call.headers,
        host: call.host,
        "x-forwarded-for": call.remoteAddress,
        ...(call.claims === undefined ? {} : { authorization: `Bearer ${credentials.tokenOf(call.claims)}` }),
      },
      timeout: DEADLINE_MS,
    });
    outgoing.on("response", (response) => {
      response.resume();
      const { statusCode } = response;
      if (statusCode === 200) resolve("allowed");
      else if (statusCode === 403) resolve("denied");
      else reject(new Error(`status ${statusCode}`));
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error("no answer in time")));
    outgoing.on("error", reject);
    outgoing.end();
  });
}

/** Allowed: a byte comes back. Denied: the connection ends, and none did. */
export function callOverTcp(call: Call, credentials: Credentials): Promise<Verdict> {
  return new Promise((resolve, reject) => {
    const socket = connect(connection(call, credentials), () => socket.write("x"));
    socket.setTimeout(DEADLINE_MS, () => socket.destroy(new Error("no answer in time")));
    socket.on("data", () => {
      resolve("allowed");
      socket.destroy();
    });
    socket.on("end", () => resolve("denied"));
    socket.on("error", (error: NodeJS.ErrnoException) =>
      error.code === "ECONNRESET" ? resolve("denied") : reject(error),
    );
  });
}

function connection(call: Call, credentials: Credentials): ConnectionOptions & { readonly host: string } {
  const own = credentials.certificateOf(call.identity);
  return {
    host: call.destinationAddress,
    port: call.destinationPort,
    localAddress: call.sourceAddress,
    servername: call.serverName,
    rejectUnauthorized: false,
    ...(own === undefined ? {} : { cert: own.certificate, key: own.key }),
  } as ConnectionOptions & { readonly host: string };
}
