// Proves from inside a pod that its capture is in force, by one connection; changes nothing. It must run as the proxy's
// user, for whom alone a call to its own pod leads to the inbound port.

import { randomUUID } from "node:crypto";
import { connect, createServer } from "node:net";
import type { CaptureSettings } from "./capture-settings.ts";

// Nobody listens there: only the redirect rules can make this connection succeed.
const PROBE_HOST = "127.0.0.6";
const PROBE_PORT = 15002;

/** Why capture isn't in force, or undefined where it is. */
export async function validateCapture(
  { inboundPort }: CaptureSettings,
  { timeoutMs = 5_000 }: { readonly timeoutMs?: number } = {},
): Promise<string | undefined> {
  // Whoever else might answer at the probed address doesn't know it.
  const token = randomUUID();
  const server = createServer((socket) => socket.on("error", () => undefined).end(token));
  await new Promise<void>((resolve, reject) => {
    // What can't be accepted later is missed by the probe.
    server.on("error", reject);
    server.listen(inboundPort, "0.0.0.0", resolve);
  });
  try {
    return await dial(token, timeoutMs);
  } finally {
    server.close();
  }
}

function dial(token: string, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect({ host: PROBE_HOST, port: PROBE_PORT });
    const finish = (reason: string | undefined) => {
      socket.destroy();
      resolve(reason);
    };
    socket.setEncoding("utf8").on("data", (text: string) => {
      answer += text;
    });
    socket.setTimeout(timeoutMs, () => finish("no answer in time"));
    socket.once("end", () => finish(answer === token ? undefined : "another program answered"));
    socket.once("error", (error) => finish(error.message));
  });
}
