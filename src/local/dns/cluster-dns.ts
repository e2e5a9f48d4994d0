// The mesh's DNS server: answers names of the cluster from the last table it was given, over UDP and TCP, and has the
// machine's resolvers answer the rest; for pods that capture DNS, hosts of ServiceEntries too. Whatever comes in, it
// stays up and bounded.

import type { Socket as DatagramSocket, RemoteInfo } from "node:dgram";
import { createSocket } from "node:dgram";
import type { Server, Socket } from "node:net";
import { createServer } from "node:net";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/logger.ts";
import { answerQuery } from "./answer-query.ts";
import { buildDnsTable, type DnsRecords, type DnsTable } from "./dns-table.ts";
import { readFrames, writeFrame } from "./tcp-frames.ts";
import { createUpstreamResolver } from "./upstream-resolver.ts";

export interface ClusterDnsOptions {
  readonly address: string;
  /** 53 unless said otherwise; 0 takes a free one. */
  readonly port?: number;
  readonly clusterDomain?: string;
  /** The machine's resolvers, as seen from here; none where pods have no way out. */
  readonly upstreams: readonly string[];
  readonly upstreamPort?: number;
  /** What `host.meltemi.internal` stands for. */
  readonly machineAddress?: string;
  readonly log: Logger;
  readonly clock: Clock;
}

/** Sockets that listen already, such as those in a pod's network namespace. */
export interface DnsSockets {
  readonly udp: DatagramSocket;
  readonly tcp: Server;
}

export interface ClusterDns {
  readonly port: number;
  /** The table in force: for answering elsewhere, as an agent does. */
  readonly table: DnsTable;
  /** All records at once; questions that come from now on see them. */
  setRecords(records: DnsRecords): void;
  /** Answers on these too, as within a pod that captures DNS: `captured` names as well. Returns what ends it. */
  serveCaptured(sockets: DnsSockets): () => void;
  close(): Promise<void>;
}

const MAX_TCP_CONNECTIONS = 256;
const TCP_IDLE_MS = 10_000;

export async function startClusterDns(options: ClusterDnsOptions): Promise<ClusterDns> {
  const { address, clusterDomain = "cluster.local", upstreams, clock } = options;
  const upstream = createUpstreamResolver({
    upstreams,
    clock,
    ...(options.upstreamPort === undefined ? {} : { port: options.upstreamPort }),
  });
  const tablesOf = (records: DnsRecords): Tables => {
    const known = addMachine(records, options.machineAddress);
    const hosts = [...(known.hosts ?? []), ...(known.captured ?? [])];
    return {
      cluster: buildDnsTable(known, clusterDomain),
      captured: buildDnsTable({ ...known, hosts }, clusterDomain),
    };
  };
  let tables = tablesOf({ services: [] });
  let rotation = 0;
  const answerFrom =
    (which: keyof Tables): AnswerBytes =>
    (bytes, transport) => {
      rotation = (rotation + 1) & 0xffff;
      return answerQuery(bytes, { table: tables[which], transport, upstream, rotation, log: options.log });
    };
  const answer = answerFrom("cluster");
  const udp = await listenOnUdp(address, { port: options.port ?? 53, answer });
  const tcp = await listenOnTcp(address, { port: udp.address().port, answer });
  return {
    port: udp.address().port,
    get table() {
      return tables.cluster;
    },
    setRecords(records) {
      tables = tablesOf(records);
    },
    serveCaptured(sockets) {
      serveUdp(sockets.udp, answerFrom("captured"));
      const endTcp = serveTcp(sockets.tcp, answerFrom("captured"));
      return () => {
        sockets.udp.close();
        void endTcp();
      };
    },
    async close() {
      udp.close();
      await tcp.close();
    },
  };
}

interface Tables {
  readonly cluster: DnsTable;
  /** With what only pods hear of that capture DNS. */
  readonly captured: DnsTable;
}

type AnswerBytes = (bytes: Buffer, transport: "udp" | "tcp") => Promise<Buffer | undefined>;

interface ListenOptions {
  readonly port: number;
  readonly answer: AnswerBytes;
}

function addMachine(records: DnsRecords, machineAddress: string | undefined): DnsRecords {
  if (machineAddress === undefined) return records;
  const machine = { name: "host.meltemi.internal", addresses: [machineAddress] };
  return { ...records, hosts: [...(records.hosts ?? []), machine] };
}

function listenOnUdp(address: string, { port, answer }: ListenOptions): Promise<DatagramSocket> {
  const socket = createSocket("udp4");
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.bind({ address, port }, () => {
      socket.off("error", reject);
      serveUdp(socket, answer);
      resolve(socket);
    });
  });
}

function serveUdp(socket: DatagramSocket, answer: AnswerBytes): void {
  socket.on("message", (bytes: Buffer, from: RemoteInfo) => {
    void answer(bytes, "udp").then((reply) => {
      if (reply !== undefined) send(socket, reply, from);
    });
  });
  // A pod that is gone makes the kernel report what couldn't be delivered to it.
  socket.on("error", () => undefined);
}

function send(socket: DatagramSocket, reply: Buffer, to: RemoteInfo): void {
  try {
    socket.send(reply, to.port, to.address, () => undefined);
  } catch {
    // The server was closed while the answer was made.
  }
}

async function listenOnTcp(
  address: string,
  { port, answer }: ListenOptions,
): Promise<{ close(): Promise<void> }> {
  const server = createServer();
  const close = serveTcp(server, answer);
  await listen(server, { address, port });
  return { close };
}

/** Returns what ends it. */
function serveTcp(server: Server, answer: AnswerBytes): () => Promise<void> {
  const connections = new Set<Socket>();
  server.maxConnections = MAX_TCP_CONNECTIONS;
  server.on("connection", (socket: Socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
    serveConnection(socket, answer);
  });
  return () => {
    for (const socket of connections) socket.destroy();
    return new Promise((resolve) => {
      server.close(() => resolve());
    });
  };
}

// One question at a time: while it is answered the socket isn't read, so that nothing piles up.
function serveConnection(socket: Socket, answer: AnswerBytes): void {
  let last = Promise.resolve();
  socket.setTimeout(TCP_IDLE_MS, () => socket.destroy());
  socket.on("error", () => socket.destroy());
  readFrames(socket, (message) => {
    socket.pause();
    last = last.then(async () => {
      const reply = await answer(message, "tcp");
      if (reply !== undefined && socket.writable) writeFrame(socket, reply);
      socket.resume();
    });
  });
}

function listen(server: Server, { address, port }: { address: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: address, port }, () => resolve());
  });
}
