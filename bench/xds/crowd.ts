// Simulated sidecars as one: connected at once, watched for what reaches them, and waited for with a deadline.

import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../src/core/clock.ts";
import { GrpcClient, type GrpcTarget } from "../../src/grpc/client.ts";
import type { ResourceType } from "../../src/xds/resource-type.ts";
import type { MeshSize } from "./mesh-size.ts";
import { createResourceNeeds } from "./resource-needs.ts";
import { sidecarIdentity } from "./sidecar-identity.ts";
import { SimulatedSidecar } from "./simulated-sidecar.ts";

const DEADLINE_MS = 600_000;
const POLL_MS = 20;

export interface Crowd {
  readonly sidecars: readonly SimulatedSidecar[];
  connect(): void;
  /** Throws what ended a stream, if any ended. */
  check(): void;
  /** When each sidecar first got a response of the type, from now on. */
  arrivals(type: ResourceType): ReadonlyMap<SimulatedSidecar, number>;
  close(): void;
}

/** `firstIndex`: of the first sidecar, where others than the first ones are meant. */
export function createCrowd(target: GrpcTarget, { proxyCount, ...size }: MeshSize, firstIndex = 0): Crowd {
  const sidecars: SimulatedSidecar[] = [];
  const clients: GrpcClient[] = [];
  const needs = createResourceNeeds();
  let failure: Error | undefined;
  let isClosing = false;
  let watched: { readonly type: ResourceType; readonly arrivals: Map<SimulatedSidecar, number> } | undefined;
  return {
    sidecars,
    connect() {
      for (let index = firstIndex; index < firstIndex + proxyCount; index += 1) {
        const client = new GrpcClient(target, clientOptions);
        clients.push(client);
        const sidecar = new SimulatedSidecar(sidecarIdentity(index, { ...size, proxyCount }), {
          client,
          needs,
          received(from, type) {
            if (watched?.type === type && !watched.arrivals.has(from))
              watched.arrivals.set(from, performance.now());
          },
          closed(from, error) {
            if (!isClosing)
              failure ??= new Error(`The stream of ${from.identity.id} ended`, { cause: error });
          },
        });
        sidecars.push(sidecar);
      }
    },
    check() {
      if (failure !== undefined) throw failure;
    },
    arrivals(type) {
      const arrivals = new Map<SimulatedSidecar, number>();
      watched = { type, arrivals };
      return arrivals;
    },
    close() {
      isClosing = true;
      for (const sidecar of sidecars) sidecar.close();
      for (const client of clients) client.close();
    },
  };
}

// A thousand clients in one process may be too busy for long to answer a ping in time.
const clientOptions = {
  clock: systemClock,
  maxMessageBytes: 256 * 1024 * 1024,
  connectTimeoutMs: DEADLINE_MS,
  keepaliveIntervalMs: DEADLINE_MS,
};

export function untilInStep(crowd: Crowd): Promise<void> {
  return untilReached(crowd, "all sidecars are in step", () =>
    crowd.sidecars.every(({ isInStep }) => isInStep),
  );
}

export async function untilReached(
  crowd: Crowd,
  wanted: string,
  isReached: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadlineMs = performance.now() + DEADLINE_MS;
  while (!(await isReached())) {
    crowd.check();
    if (performance.now() > deadlineMs) throw new Error(`Gave up waiting until ${wanted}`);
    await sleep(POLL_MS);
  }
}
