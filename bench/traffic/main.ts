// What the reports of many proxies' traffic cost a control plane: CPU a report, beside a call of the same kind that does
// nothing, in interleaved rounds of one run, and memory a connection. Prints JSON. Run: npm run bench -- traffic [PROXIES] [SERIES]

import { type ChildProcess, fork } from "node:child_process";
import { createPublicKey, generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { systemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { GrpcServer } from "../../src/grpc/server.ts";
import { createCertificateAuthenticator } from "../../src/identity/authenticator.ts";
import {
  buildRootFiles,
  type CertificateAuthority,
  createCertificateAuthority,
} from "../../src/identity/certificate-authority.ts";
import { readDer } from "../../src/identity/der-reader.ts";
import { readSubjectPublicKey } from "../../src/identity/subject-public-key.ts";
import { cpuNowMs } from "../../src/process/cpu-time.ts";
import { createTrafficMethod } from "../../src/serving/traffic-method.ts";
import { TrafficHistory } from "../../src/traffic/traffic-history.ts";
import { type CrowdOrder, EMPTY_PATH, SERVER_NAME } from "./crowd-order.ts";

const ROUNDS = 6;
const PODS_OF_WORKLOAD = 4;
const REPORT_PERIOD_S = 5;

const [proxyCount = 1_000, seriesCount = 10] = process.argv.slice(2).map(Number);
if (!(proxyCount > 0 && seriesCount > 0 && Number.isInteger(proxyCount) && Number.isInteger(seriesCount))) {
  console.error("usage: npm run bench -- traffic [PROXIES] [SERIES]");
  process.exit(2);
}
console.log(JSON.stringify(await measure(), null, 2));
process.exit();

async function measure(): Promise<object> {
  const authority = newAuthority();
  const history = new TrafficHistory({ clock: systemClock });
  const port = await serve(authority, history);
  const crowd = fork(fileURLToPath(new URL("crowd.ts", import.meta.url)), {
    execArgv: ["--import", "tsx"],
    serialization: "advanced",
  });
  const identities = Array.from({ length: proxyCount }, (_, at) => identityOf(authority, at));
  await order(crowd, { kind: "begin", port, identities, rootsPem: authority.rootsPem, seriesCount });
  const [emptyMb] = [heapMb()];
  await order(crowd, { kind: "empty" });
  const connectedMb = heapMb();
  const costs: Record<"report" | "empty", number[]> = { report: [], empty: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const kind of ["report", "empty"] as const) {
      const beforeMs = cpuNowMs();
      await order(crowd, { kind });
      costs[kind].push(((cpuNowMs() - beforeMs) * 1_000) / proxyCount);
    }
  }
  crowd.kill();
  const [report, empty] = [median(costs.report), median(costs.empty)];
  return {
    what: "CPU of the control plane a report, beside an empty call over the same connections; medians of rounds",
    ...{ proxyCount, seriesCount, rounds: ROUNDS },
    reportMicroseconds: round(report),
    emptyCallMicroseconds: round(empty),
    ratio: round(report / empty),
    shareOfACore: round((report * proxyCount) / REPORT_PERIOD_S / 1e6, 4),
    connectionKb: round(((connectedMb - emptyMb) * 1_024) / proxyCount),
    history: { series: history.seriesCount, countsMb: round(history.byteCount / 1_048_576) },
  };
}

async function serve(authority: CertificateAuthority, history: TrafficHistory): Promise<number> {
  const authenticator = createCertificateAuthenticator(["cluster.local"]);
  const description = { canonicalService: "", canonicalRevision: "", cluster: "", app: "", version: "" };
  const describe = ({ serviceAccount, namespace }: { serviceAccount: string; namespace: string }) => ({
    ...{ ...description, namespace, workload: serviceAccount },
  });
  const grpc = new GrpcServer({
    ...{ clock: systemClock, log: silentLogger, random: Math.random },
    connections: { maxPerAddress: proxyCount + 10 },
  });
  const identity = certificateOf(authority, { uris: [], dnsNames: [SERVER_NAME], ipAddresses: [] });
  const { port = 0 } = await grpc.listen(
    { kind: "tcp", host: "127.0.0.1", port: 0 },
    {
      tls: { ...identity, clientRoots: authority.rootsPem },
      methods: [
        createTrafficMethod({ history, authenticator, describe }),
        { kind: "unary", path: EMPTY_PATH, handle: async () => [] },
      ],
    },
  );
  return port;
}

function order(crowd: ChildProcess, what: CrowdOrder): Promise<unknown> {
  const done = once(crowd, "message");
  crowd.send(what);
  return done;
}

function newAuthority(): CertificateAuthority {
  const context = { clock: systemClock, randomBytes };
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const built = createCertificateAuthority(buildRootFiles(privateKey, "cluster.local", context), context);
  if (built.kind !== "authority") throw new Error(built.reason);
  return built.authority;
}

/** Four pods a workload, each with its own. */
function identityOf(authority: CertificateAuthority, at: number) {
  const account = `workload-${Math.floor(at / PODS_OF_WORKLOAD)}`;
  const names = { uris: [`spiffe://cluster.local/ns/shop/sa/${account}`], dnsNames: [], ipAddresses: [] };
  return certificateOf(authority, names, { name: `${account}-${at}`, uid: `uid-${at}` });
}

type Issued = Parameters<CertificateAuthority["issue"]>[0];

function certificateOf(authority: CertificateAuthority, names: Issued["names"], pod?: Issued["pod"]) {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  const publicKey = readSubjectPublicKey(readDer(spki));
  const [leaf = ""] = authority.issue({ publicKey, names, ttlMs: 3_600_000, ...(pod && { pod }) });
  return { certificate: leaf, key: privateKey.export({ format: "pem", type: "pkcs8" }).toString() };
}

function heapMb(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage.rss() / 1_048_576;
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function round(value: number, digits = 1): number {
  return Number(value.toFixed(digits));
}
