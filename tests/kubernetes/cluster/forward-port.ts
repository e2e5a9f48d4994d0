// A port of this machine's loopback that leads to an address inside a node's network. The machine's own network
// isn't touched: only a process of ours is in both.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";

export interface ForwardedPort {
  /** On 127.0.0.1. */
  readonly port: number;
  close(): Promise<void>;
}

/** `pid`: the node's first process. `target`: an address and port as seen from the node. */
export async function forwardPort(
  pid: number,
  target: { readonly host: string; readonly port: number },
): Promise<ForwardedPort> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const program = fileURLToPath(new URL("relay.mjs", import.meta.url));
  const relay = spawn(
    "setpriv",
    [
      ...["--pdeathsig", "KILL", "nsenter", "--target", String(pid), "--net"],
      ...[process.execPath, program, target.host, String(target.port)],
    ],
    { stdio: ["ignore", "inherit", "inherit", "ipc"] },
  );
  relay.send("take", server);
  const ended = once(relay, "exit").then(() => {
    throw new Error(`The relay to ${target.host}:${target.port} ended before it listened`);
  });
  await Promise.race([once(relay, "message"), ended]);
  ended.catch(() => undefined);
  server.close();
  return {
    port,
    async close() {
      if (relay.exitCode !== null || relay.signalCode !== null) return;
      const exited = once(relay, "exit");
      relay.kill("SIGKILL");
      await exited;
    },
  };
}
