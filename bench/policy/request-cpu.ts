// CPU of Envoy for a request, by how many policies its workload has: in a sidecar's slots, which come by ECDS, and the same
// rules as filters of the listener itself. Each way has an Envoy of its own; they take turns, so that what else the machine
// does is alike for all. Requests come over mTLS on connections that are kept, and go on to a server.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { Agent, request } from "node:https";
import type { AddressInfo } from "node:net";
import { eventually } from "../../tests/e2e/mesh/eventually.ts";
import { createCredentials, IDENTITIES } from "../../tests/protocol/authorization/credentials.ts";
import { inputsOf } from "../../tests/protocol/authorization/policy-set.ts";
import type { Lifetime } from "../../tests/protocol/envoy-process.ts";
import { cpuSecondsOf } from "../process-times.ts";
import { ALLOWED_PATH, madeUpPolicies, NO_PLACE } from "./made-up-policies.ts";
import { type PolicedEnvoy, type PolicyPlace, startPolicedEnvoy } from "./policed-envoy.ts";

const ROUNDS = 9;
const CONNECTIONS = 4;

interface Variant {
  readonly place: PolicyPlace;
  readonly policies: number;
}

const variants: readonly Variant[] = [
  { place: "nowhere", policies: 0 },
  { place: "slots", policies: 0 },
  ...[10, 400].flatMap((policies) => (["slots", "listener"] as const).map((place) => ({ place, policies }))),
];

/** Requests of one round for each way. */
export async function measureRequestCpu(requestCount: number): Promise<object> {
  const ends: (() => unknown)[] = [];
  const lifetime: Lifetime = { after: (end) => void ends.push(end as () => unknown) };
  try {
    return await measure(requestCount, lifetime);
  } finally {
    for (const end of ends.toReversed()) await end();
  }
}

async function measure(requestCount: number, lifetime: Lifetime): Promise<object> {
  const credentials = await createCredentials();
  const client = credentials.certificateOf(IDENTITIES[0]);
  const serverPort = await startServer(lifetime);
  const measured = await Promise.all(
    variants.map(async ({ place, policies }) => {
      const inputs = inputsOf({ place: NO_PLACE, policies: madeUpPolicies(policies) });
      const envoy = await startPolicedEnvoy(lifetime, { place, inputs, credentials, serverPort });
      const agent = new Agent({
        keepAlive: true,
        maxSockets: CONNECTIONS,
        ...(client && { cert: client.certificate, key: client.key }),
        rejectUnauthorized: false,
      });
      lifetime.after(() => agent.destroy());
      return { place, policies, envoy, agent, rounds: [] as number[] };
    }),
  );
  await Promise.all(measured.map((each) => eventually(() => assertPoliced(each))));
  // The first round connects and warms up.
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const { envoy, agent, rounds } of turned(measured, round)) {
      const cpu = await requestsCpu({ envoy, agent, requestCount });
      if (round > 0) rounds.push(cpu);
    }
  }
  return report(measured, requestCount);
}

/** What is measured is what is meant: the policies are there, and refuse what none of them allows. */
async function assertPoliced({ policies, envoy, agent }: Policed): Promise<void> {
  assert.equal(await statusOf({ port: envoy.port, path: ALLOWED_PATH, agent }), 200);
  assert.equal(await statusOf({ port: envoy.port, path: "/elsewhere", agent }), policies === 0 ? 200 : 403);
}

interface Policed {
  readonly policies: number;
  readonly envoy: PolicedEnvoy;
  readonly agent: Agent;
}

/** By another first one in each round. */
function turned<T>(values: readonly T[], by: number): readonly T[] {
  const at = by % values.length;
  return [...values.slice(at), ...values.slice(0, at)];
}

interface Requests {
  readonly envoy: PolicedEnvoy;
  readonly agent: Agent;
  readonly requestCount: number;
}

/** Microseconds for each. */
async function requestsCpu({ envoy, agent, requestCount }: Requests): Promise<number> {
  const before = await cpuSecondsOf([envoy.pid]);
  let left = requestCount;
  const caller = async () => {
    for (; left > 0; ) {
      left -= 1;
      const status = await statusOf({ port: envoy.port, path: ALLOWED_PATH, agent });
      if (status !== 200) throw new Error(`Status ${status}`);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, caller));
  return (((await cpuSecondsOf([envoy.pid])) - before) / requestCount) * 1_000_000;
}

function statusOf(to: {
  readonly port: number;
  readonly path: string;
  readonly agent: Agent;
}): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", ...to }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode));
      response.on("error", reject);
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}

async function startServer(lifetime: Lifetime): Promise<number> {
  const server = createServer((_request, response) => response.end("ok"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  lifetime.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function report(
  measured: readonly (Variant & { readonly rounds: readonly number[] })[],
  requestCount: number,
): object {
  const medianOf = (rounds: readonly number[]) => sorted(rounds)[Math.floor(rounds.length / 2)] ?? Number.NaN;
  const [none] = measured.map(({ rounds }) => medianOf(rounds));
  return {
    what: `microseconds of Envoy's CPU for a request: ${ROUNDS} rounds of ${requestCount} for each`,
    ways: measured.map(({ place, policies, rounds }) => ({
      policies,
      place,
      minUs: rounded(sorted(rounds)[0] ?? Number.NaN),
      medianUs: rounded(medianOf(rounds)),
      toNone: Number((medianOf(rounds) / (none ?? Number.NaN)).toFixed(2)),
    })),
  };
}

function sorted(values: readonly number[]): readonly number[] {
  return values.toSorted((one, other) => one - other);
}

function rounded(value: number): number {
  return Number(value.toFixed(1));
}
