// The DNS server of one pod's agent: hosts of the mesh from the pod's name table, all else from the pod's own resolvers.

import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, isIPv6 } from "node:net";
import type { Clock } from "../../core/clock.ts";
import { startListening } from "../../core/listening.ts";
import type { Logger } from "../../core/logger.ts";
import { answerQuery } from "./answer-query.ts";
import { type AnswerBytes, serveTcp, serveUdp } from "./dns-sockets.ts";
import { type NameTable, resolveCaptured } from "./name-table.ts";
import type { ResolverSettings } from "./resolver-settings.ts";
import { createUpstreamResolver } from "./upstream-resolver.ts";

export interface AgentDnsOptions {
  /** Of loopback, where the redirect leads. */
  readonly addresses: readonly string[];
  /** 0 takes a free one, for one address. */
  readonly port: number;
  readonly resolver: ResolverSettings;
  /** For tests; default 53. */
  readonly upstreamPort?: number;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface AgentDns {
  readonly port: number;
  /** Questions that come from now on see it. */
  setTable(table: NameTable): void;
  close(): Promise<void>;
}

// A pod's first questions may come before its name table: they wait for it, but no longer than a resolver would.
const FIRST_TABLE_WAIT_MS = 2_000;

/** Rejects where it can't listen. */
export async function startAgentDns(options: AgentDnsOptions): Promise<AgentDns> {
  const { addresses, resolver, clock, log, upstreamPort } = options;
  const upstream = createUpstreamResolver({
    upstreams: resolver.servers,
    clock,
    ...(upstreamPort === undefined ? {} : { port: upstreamPort }),
  });
  let table: NameTable | undefined;
  let announceTable: () => void = () => undefined;
  const firstTable = new Promise<void>((resolve) => {
    announceTable = resolve;
    clock.after(FIRST_TABLE_WAIT_MS, resolve);
  });
  let rotation = 0;
  const answer: AnswerBytes = async (bytes, transport) => {
    if (table === undefined) await firstTable;
    rotation = (rotation + 1) & 0xffff;
    const known = { table: table ?? new Map(), searchDomains: resolver.searchDomains };
    const resolve = (question: Parameters<typeof resolveCaptured>[0]) => resolveCaptured(question, known);
    return answerQuery(bytes, { resolve, transport, upstream, rotation, log });
  };
  const closers: (() => void | Promise<void>)[] = [];
  let port = options.port;
  for (const address of addresses) port = await listen({ address, port }, { answer, closers, log });
  return {
    port,
    setTable(next) {
      table = next;
      announceTable();
    },
    async close() {
      for (const close of closers) await close();
    },
  };
}

async function listen(
  { address, port }: { readonly address: string; readonly port: number },
  {
    answer,
    closers,
    log,
  }: {
    readonly answer: AnswerBytes;
    readonly closers: (() => void | Promise<void>)[];
    readonly log: Logger;
  },
): Promise<number> {
  const udp: DatagramSocket = createSocket(isIPv6(address) ? "udp6" : "udp4");
  udp.bind({ address, port });
  await once(udp, "listening");
  serveUdp(udp, answer);
  closers.push(() => void udp.close());
  const tcp = createServer();
  closers.push(serveTcp(tcp, answer));
  await startListening(tcp, { host: address, port: udp.address().port }, log);
  return udp.address().port;
}
