// Istio's task "TCP Traffic Shifting": connections through the ingress gateway's port 31400, to v1 and then a fifth to v2.

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../mesh/eventually.ts";
import type { PodClient } from "../mesh/pod-client.ts";
import type { TaskMesh } from "./task-mesh.ts";

const NAMESPACE = "istio-io-tcp-traffic-shifting";

/** Declares the steps as tests; to be called in a suite of their own. */
export function tryTcpTrafficShifting(tasksOf: () => TaskMesh): void {
  test("1-all-v1: every connection is answered with one", async (t) => {
    const { apply, client, mesh } = tasksOf();
    await apply("tcp-traffic-shifting/1-all-v1");
    const port = Number(new URL(await mesh.gatewayUrl(31400)).port);
    const machine = { host: "localhost", port };
    const fromMachine = await eventually(() => countPrefixes(mesh.machineClient(), machine, 20));
    assert.deepEqual(fromMachine, { one: 20 });
    const curl = await client(`${NAMESPACE}/curl`);
    const service = { host: "istio-ingressgateway.istio-system", port: 31400 };
    const fromPod = await countPrefixes(curl, service, 20);
    assert.deepEqual(fromPod, { one: 20 });
    t.diagnostic(`from the machine: ${JSON.stringify(fromMachine)}; from a pod: ${JSON.stringify(fromPod)}`);
  });

  test("2-a-fifth-v2: a fifth of the connections is answered with two", async (t) => {
    const { apply, mesh } = tasksOf();
    await apply("tcp-traffic-shifting/2-a-fifth-v2");
    const machine = mesh.machineClient();
    const at = { host: "localhost", port: Number(new URL(await mesh.gatewayUrl(31400)).port) };
    await eventually(async () => {
      assert.deepEqual(Object.keys(await countPrefixes(machine, at, 20)).sort(), ["one", "two"]);
    });
    const counts = await countPrefixes(machine, at, 300);
    const { two = 0 } = counts;
    // Five standard deviations.
    assert(Math.abs(two - 60) <= 35, JSON.stringify(counts));
    t.diagnostic(`300 connections: ${JSON.stringify(counts)}`);
  });
}

interface Address {
  readonly host: string;
  readonly port: number;
}

/** A connection each; rejects where one isn't answered. */
async function countPrefixes(client: PodClient, at: Address, count: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let left = count; left > 0; left -= 10) {
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => client.tcp({ ...at, send: "hello\n", until: "hello\n" })),
    );
    for (const { received, error } of answers) {
      const [, prefix] = /^(\w+) hello\n$/.exec(received) ?? [];
      assert.ok(prefix !== undefined, `answered with "${received}", ${error}`);
      counts[prefix] = (counts[prefix] ?? 0) + 1;
    }
  }
  return counts;
}
