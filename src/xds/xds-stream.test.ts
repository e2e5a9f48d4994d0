import assert from "node:assert/strict";
import { it } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import type { Clock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import { DeltaDiscoveryRequestSchema } from "../gen/envoy/service/discovery/v3/discovery_pb.ts";
import type { BidiCall } from "../grpc/method.ts";
import type { XdsBackend } from "./backend.ts";
import { typeUrlOf } from "./resource-type.ts";
import { createXdsServer } from "./xds-server.ts";

/** Its timers fire when they are told to. */
function timedByHand() {
  let nowMs = 0;
  const timers: (() => void)[] = [];
  const clock: Clock = {
    now: () => nowMs,
    after: (_delayMs, callback) => {
      timers.push(callback);
      return () => undefined;
    },
  };
  return {
    clock,
    work: (forMs: number) => {
      nowMs += forMs;
    },
    fireNext: () => timers.shift()?.(),
  };
}

/** Judges who a client is asynchronously; that it joins is refused, which takes 20 ms. */
function slowBackend(work: (forMs: number) => void): XdsBackend {
  return {
    open: async () => ({
      kind: "accepted",
      conversation: {
        join: () => {
          work(20);
          return { kind: "refused", status: "PERMISSION_DENIED", message: "no" };
        },
        closed: () => undefined,
      },
    }),
  };
}

function callNoting(ended: string[], name: string): BidiCall {
  return {
    path: "/",
    peer: { remoteAddress: undefined, certificate: undefined },
    metadata: () => undefined,
    signal: new AbortController().signal,
    write: () => true,
    end: () => void ended.push(name),
  };
}

it("XdsStream takes turns with streams whose clients are judged at the same time", async () => {
  const { clock, work, fireNext } = timedByHand();
  const server = createXdsServer(slowBackend(work), { clock, log: silentLogger });
  const [method] = server.methods({ servesSecrets: false });
  assert.ok(method?.kind === "bidi");
  const ended: string[] = [];
  const request = create(DeltaDiscoveryRequestSchema, { node: { id: "web" }, typeUrl: typeUrlOf("cluster") });
  for (const name of ["a", "b", "c", "d"])
    method.open(callNoting(ended, name)).message(toBinary(DeltaDiscoveryRequestSchema, request));
  // What is settled already is told in microtasks.
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(ended, ["a", "b"]);
  fireNext();
  assert.deepEqual(ended, ["a", "b", "c", "d"]);
});
