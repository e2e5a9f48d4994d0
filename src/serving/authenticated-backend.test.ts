import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { systemClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import { DeltaDiscoveryRequestSchema } from "../gen/envoy/service/discovery/v3/discovery_pb.ts";
import { GrpcClient } from "../grpc/client.ts";
import { GrpcServer } from "../grpc/server.ts";
import type { Authenticator } from "../identity/authenticator.ts";
import { createControlPlane } from "../plane/create-control-plane.ts";
import { createXdsServer } from "../xds/xds-server.ts";
import { requireIdentity } from "./authenticated-backend.ts";

const DELTA = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";

/** Knows one token. */
const authenticator: Authenticator = {
  async authenticate({ bearerToken }) {
    if (bearerToken === undefined) return { kind: "absent" };
    if (bearerToken.reveal() !== "good") return { kind: "refused", reason: "unknown token" };
    const parts = { trustDomain: "cluster.local", namespace: "shop", serviceAccount: "web" };
    return { kind: "caller", caller: { proof: "token", ...parts } };
  },
};

async function listen(t: TestContext, servesSecrets: boolean): Promise<number> {
  const context = { clock: systemClock, log: silentLogger };
  const { fleet } = createControlPlane(context);
  const xds = createXdsServer(requireIdentity(fleet, authenticator), context);
  const grpc = new GrpcServer({ ...context, random: Math.random });
  t.after(() => grpc.close());
  const endpoint = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
  const { port } = await grpc.listen(endpoint, { methods: xds.methods({ servesSecrets }) });
  return port ?? 0;
}

/** Resolves with the word "answered", or the status that the stream ended with. */
function subscribe(
  t: TestContext,
  port: number,
  { namespace, token }: { namespace: string; token?: string },
) {
  const client = new GrpcClient({ kind: "tcp", host: "127.0.0.1", port }, { clock: systemClock });
  t.after(() => client.close());
  const request = create(DeltaDiscoveryRequestSchema, {
    node: { id: `sidecar~10.0.0.9~web-1.${namespace}~${namespace}.svc.cluster.local` },
    typeUrl: "type.googleapis.com/envoy.config.cluster.v3.Cluster",
    resourceNamesSubscribe: ["*"],
  });
  return new Promise<string>((resolve) => {
    const metadata = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const receiver = {
      message: () => resolve("answered"),
      closed: (error?: Error & { status?: string }) => resolve(error?.status ?? "OK"),
    };
    client.bidi(DELTA, receiver, { metadata }).write([toBinary(DeltaDiscoveryRequestSchema, request)]);
  });
}

test("requireIdentity() serves a client without certificate by a token of its namespace alone", async (t) => {
  const port = await listen(t, true);
  assert.equal(await subscribe(t, port, { namespace: "shop" }), "UNAUTHENTICATED");
  assert.equal(await subscribe(t, port, { namespace: "shop", token: "bad" }), "UNAUTHENTICATED");
  assert.equal(await subscribe(t, port, { namespace: "other", token: "good" }), "PERMISSION_DENIED");
  assert.equal(await subscribe(t, port, { namespace: "shop", token: "good" }), "answered");
});

test("requireIdentity() asks nothing where no secret is served", async (t) => {
  const port = await listen(t, false);
  assert.equal(await subscribe(t, port, { namespace: "shop" }), "answered");
});
