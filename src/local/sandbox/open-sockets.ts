// Sockets in a pod's network namespace for this process: Node can't change namespaces, so a helper process
// that was started there opens them, passes them over its IPC channel, and ends.

import { spawn } from "node:child_process";
import type { Socket as DatagramSocket } from "node:dgram";
import type { Server } from "node:net";
import { toolEnvironment } from "../network/run-tool.ts";

export interface SocketRequest {
  readonly kind: "tcp" | "udp";
  readonly address: string;
  readonly port: number;
}

export type PassedSocket =
  | { readonly kind: "tcp"; readonly server: Server }
  | { readonly kind: "udp"; readonly socket: DatagramSocket };

const DEADLINE_MS = 10_000;

/** Whose sockets they are, as packet filters see it. */
export interface SocketOwner {
  readonly uid: number;
  readonly gid: number;
}

/** In the order of the requests; this process's own user's unless `owner` says otherwise. Rejects with the system's reason where one can't be bound; the others are closed then. */
export function openSocketsIn(
  holderPid: number,
  { requests, owner }: { readonly requests: readonly SocketRequest[]; readonly owner?: SocketOwner },
): Promise<readonly PassedSocket[]> {
  if (requests.length === 0) return Promise.resolve([]);
  return new Promise((resolve, reject) => {
    const argv = [`--target=${holderPid}`, "--net", "--", process.execPath, "-e", helperScript];
    const helper = spawn("nsenter", argv, {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      env: toolEnvironment(),
      timeout: DEADLINE_MS,
    });
    const passed: PassedSocket[] = [];
    let words = "";
    helper.stderr?.on("data", (chunk: Buffer) => {
      words = (words + chunk.toString("utf8")).slice(-2_000);
    });
    helper.on("message", (message, handle) => {
      const request = requests[passed.length];
      if (request === undefined || handle === undefined) {
        words = typeof message === "string" ? message : words;
      } else if (request.kind === "tcp") passed.push({ kind: "tcp", server: handle as Server });
      else passed.push({ kind: "udp", socket: handle as DatagramSocket });
    });
    helper.once("error", (cause) =>
      reject(new Error("Cannot start the helper that opens sockets", { cause })),
    );
    helper.once("close", () => {
      if (passed.length === requests.length) return resolve(passed);
      for (const socket of passed) close(socket);
      reject(new Error(`Cannot listen in the pod's namespace: ${words.trim()}`));
    });
    helper.send({ requests, owner });
  });
}

function close(passed: PassedSocket): void {
  if (passed.kind === "tcp") passed.server.close();
  else passed.socket.close();
}

const helperScript = `
const dgram = require("node:dgram");
const net = require("node:net");
function pass(handle) {
  return new Promise((resolve, reject) => process.send("socket", handle, (cause) => (cause ? reject(cause) : resolve())));
}
function listen(request) {
  return new Promise((resolve, reject) => {
    if (request.kind === "tcp") {
      const server = net.createServer().once("error", reject);
      server.listen({ host: request.address, port: request.port }, () => resolve(server));
    } else {
      const socket = dgram.createSocket("udp4").once("error", reject);
      socket.bind({ address: request.address, port: request.port }, () => resolve(socket));
    }
  });
}
process.once("message", async ({ requests, owner }) => {
  try {
    if (owner) {
      process.setgroups([]);
      process.setgid(owner.gid);
      process.setuid(owner.uid);
    }
    for (const request of requests) await pass(await listen(request));
    process.exit(0);
  } catch (cause) {
    process.send(String(cause.message), () => process.exit(1));
  }
});
`;
