// For tests: thousands of connections that are opened, get so far, and are then held for as long as the test takes.

import { once } from "node:events";
import { connect as connectSocket, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { connect as connectTls } from "node:tls";

export interface HeldConnections {
  readonly port: number;
  readonly count: number;
  /** All from 127.0.0.1, or each of the next from the next of 250 addresses. */
  readonly from: "one address" | "many addresses";
  /** With a TLS handshake, and these bytes sent after it; without, nothing is sent. */
  readonly tls?: { readonly alpn: string; readonly bytes: Uint8Array };
}

const BATCH = 100;

/** Resolves when all have been opened; the server may have closed some of them by then. */
export async function holdConnections(t: TestContext, held: HeldConnections): Promise<readonly Socket[]> {
  const sockets: Socket[] = [];
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  while (sockets.length < held.count) {
    const size = Math.min(BATCH, held.count - sockets.length);
    const batch = Array.from({ length: size }, (_, index) => open(held, sockets.length + index));
    sockets.push(...batch);
    const isOpen = held.tls === undefined ? "connect" : "secureConnect";
    await Promise.all(
      batch.map((socket) => Promise.race([once(socket, isOpen), once(socket, "close")]).catch(() => 0)),
    );
    for (const socket of batch) if (held.tls !== undefined) socket.write(held.tls.bytes);
  }
  return sockets;
}

function open({ port, from, tls }: HeldConnections, index: number): Socket {
  const localAddress = from === "one address" ? "127.0.0.1" : `127.0.0.${2 + (index % 250)}`;
  const address = { host: "127.0.0.1", port, localAddress };
  const socket =
    tls === undefined
      ? connectSocket(address)
      : connectTls({ ...address, ALPNProtocols: [tls.alpn], rejectUnauthorized: false });
  socket.on("error", () => undefined).resume();
  return socket;
}
