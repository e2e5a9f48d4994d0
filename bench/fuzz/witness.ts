// A sidecar on a stream of its own that nobody attacks: it is served as if it were alone, or the fuzz has found something.

import { systemClock } from "../../src/core/clock.ts";
import { GrpcClient } from "../../src/grpc/client.ts";
import { createResourceNeeds } from "../xds/resource-needs.ts";
import { sidecarIdentity } from "../xds/sidecar-identity.ts";
import { SimulatedSidecar } from "../xds/simulated-sidecar.ts";
import { attackedMesh } from "./attacked-mesh.ts";
import type { AttackedServers } from "./attacked-servers.ts";

export interface Witness {
  /** From handing in each change to its arrival, so with the debounce of endpoints. */
  readonly arrivalsMs: readonly number[];
  /** Changes something and resolves when it has come; rejects when it hasn't within `deadlineMs`. */
  seeChange(deadlineMs: number): Promise<void>;
  close(): void;
}

/** No pod of the mesh has this index. */
const WITNESS_INDEX = 90_001;

export async function connectWitness(servers: AttackedServers): Promise<Witness> {
  const target = { kind: "tcp", host: "127.0.0.1", port: servers.plaintextPort } as const;
  const client = new GrpcClient(target, { clock: systemClock, keepaliveTimeoutMs: 120_000 });
  const arrivalsMs: number[] = [];
  let failure: string | undefined;
  let notify: () => void = () => undefined;
  let round = 0;
  const sidecar = new SimulatedSidecar(sidecarIdentity(WITNESS_INDEX, attackedMesh), {
    client,
    needs: createResourceNeeds(),
    received: () => notify(),
    closed: (_sidecar, error) => {
      failure = error?.message ?? "ended";
      notify();
    },
  });
  const until = (claim: () => boolean, deadlineMs: number) =>
    new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`The witness wasn't served within ${deadlineMs} ms`)),
        deadlineMs,
      );
      notify = () => {
        if (failure === undefined && !claim()) return;
        clearTimeout(timer);
        if (failure === undefined) resolve();
        else reject(new Error(`The witness lost its stream: ${failure}; ${servers.lastWords ?? ""}`));
      };
      notify();
    });
  await until(() => sidecar.isInStep, 60_000);
  return {
    arrivalsMs,
    async seeChange(deadlineMs) {
      const before = sidecar.count("endpoint");
      const startMs = performance.now();
      servers.change(round++ % 65_536);
      await until(() => sidecar.count("endpoint") > before, deadlineMs);
      arrivalsMs.push(performance.now() - startMs);
    },
    close: () => client.close(),
  };
}
