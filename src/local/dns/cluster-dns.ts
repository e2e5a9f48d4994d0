// The mesh's DNS server: answers names of the cluster from the last table it was given, over UDP and TCP, and has the
// machine's resolvers answer the rest; for pods that capture DNS, hosts of ServiceEntries too. Whatever comes in, it
// stays up and bounded.

import type { Socket as DatagramSocket } from "node:dgram";
import { createSocket } from "node:dgram";
import type { Server } from "node:net";
import { createServer } from "node:net";
import { answerQuery } from "../../agent/dns/answer-query.ts";
import { type AnswerBytes, serveTcp, serveUdp } from "../../agent/dns/dns-sockets.ts";
import { createUpstreamResolver } from "../../agent/dns/upstream-resolver.ts";
import type { Clock } from "../../core/clock.ts";
import { keepAccepting, startListening } from "../../core/listening.ts";
import type { Logger } from "../../core/logger.ts";
import { buildDnsTable, type DnsRecords, type DnsTable } from "./dns-table.ts";
import { resolve } from "./resolve.ts";

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
      const table = tables[which];
      return answerQuery(bytes, {
        resolve: (question) => resolve(question, table),
        zone: table.clusterDomain,
        transport,
        upstream,
        rotation,
        log: options.log,
      });
    };
  const answer = answerFrom("cluster");
  const udp = await listenOnUdp(address, { port: options.port ?? 53, answer });
  const server = createServer();
  const tcp = { close: serveTcp(server, answer) };
  await startListening(server, { host: address, port: udp.address().port }, options.log);
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
      keepAccepting(sockets.tcp, options.log);
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
