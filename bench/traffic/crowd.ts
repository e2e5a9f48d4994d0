// The proxies of the benchmark: a connection each, with a certificate of its own.

import { systemClock } from "../../src/core/clock.ts";
import {
  emptyCounts,
  encodeTrafficReport,
  TRAFFIC_REPORT_PATH,
  type TrafficCounts,
  type TrafficKey,
} from "../../src/core/traffic-report.ts";
import { GrpcClient } from "../../src/grpc/client.ts";
import { type CrowdOrder, EMPTY_PATH, SERVER_NAME } from "./crowd-order.ts";

const AT_ONCE = 20;
const TIMEOUT_MS = 30_000;

let clients: readonly GrpcClient[] = [];
let series: readonly (readonly [TrafficKey, TrafficCounts])[] = [];
let sequence = 0;

process.on("message", (order: CrowdOrder) => {
  void obey(order).then(() => process.send?.("done"));
});

async function obey(order: CrowdOrder): Promise<void> {
  if (order.kind === "begin") {
    const { port, identities, rootsPem, seriesCount } = order;
    const trust = { serverRoots: rootsPem, serverName: SERVER_NAME };
    clients = identities.map(
      (identity) =>
        new GrpcClient(
          { kind: "tcp", host: "127.0.0.1", port, tls: { ...identity, ...trust } },
          { clock: systemClock },
        ),
    );
    series = Array.from({ length: seriesCount }, (_, at) => seriesOf(at));
    return;
  }
  const request =
    order.kind === "report" ? encodeTrafficReport({ run: "a", sequence, series }) : new Uint8Array();
  const path = order.kind === "report" ? TRAFFIC_REPORT_PATH : EMPTY_PATH;
  if (order.kind === "report") sequence += 1;
  for (let at = 0; at < clients.length; at += AT_ONCE) {
    const now = clients.slice(at, at + AT_ONCE);
    await Promise.all(now.map((client) => client.unary(path, request, { timeoutMs: TIMEOUT_MS })));
  }
}

function seriesOf(at: number): readonly [TrafficKey, TrafficCounts] {
  const counts = emptyCounts();
  Object.assign(counts, { failures: 1, receivedBytes: 45_000, sentBytes: 900_000 });
  for (const bucket of [0, 1, 3, 6]) counts.latency[bucket] = 50 + at;
  const key = {
    reporter: at % 2 === 0 ? "source" : "destination",
    peerWorkload: `workload-${at}`,
    peerNamespace: "shop",
    peerPrincipal: `spiffe://cluster.local/ns/shop/sa/workload-${at}`,
    service: `service-${at}.shop.svc.cluster.local`,
    route: "default",
    protocol: "http",
    security: "mutual_tls",
  } as const;
  return [key, counts];
}
