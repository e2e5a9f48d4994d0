// What Istio's tools ask a control plane about its proxies, over xDS: as `istioctl proxy-status` does.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { syncStatuses } from "../../src/admin/sync-status.ts";
import { systemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { controlPlaneIdentifier } from "../../src/fleet/debug-types.ts";
import { ClientConfigSchema, ConfigStatus } from "../../src/gen/envoy/service/status/v3/csds_pb.ts";
import { GrpcServer } from "../../src/grpc/server.ts";
import { createControlPlane } from "../../src/main/create-control-plane.ts";
import { typeUrlOf } from "../../src/xds/resource-type.ts";
import { createXdsServer } from "../../src/xds/xds-server.ts";
import { openDelta, openStateOfTheWorld } from "./ads-client.ts";

const SYNCZ = "istio.io/debug/syncz";
const web = nodeOf("web.shop~shop");
const asker = nodeOf("test-1.shop~shop");

function nodeOf(name: string) {
  return {
    id: `sidecar~10.0.0.1~${name}.svc.cluster.local`,
    metadata: { NAMESPACE: name.split("~")[1] ?? "" },
  };
}

async function start(t: TestContext, servesSecrets: boolean) {
  const debug = {
    namespaces: ["meltemi-system"],
    controlPlane: controlPlaneIdentifier("meltemi-1", "0.1.0"),
  };
  const plane = createControlPlane({ clock: systemClock, log: silentLogger, debug });
  const server = new GrpcServer({ clock: systemClock, log: silentLogger, random: () => 0.5 });
  t.after(() => server.close());
  const xds = createXdsServer(plane.fleet, { clock: systemClock, log: silentLogger });
  const endpoint = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
  const { port = 0 } = await server.listen(endpoint, { methods: xds.methods({ servesSecrets }) });
  return { plane, port };
}

/** One type acknowledged, one only sent. */
async function connectProxy(t: TestContext, port: number): Promise<void> {
  const stream = openDelta(t, port);
  const [cds, lds] = [typeUrlOf("cluster"), typeUrlOf("listener")];
  stream.send({ node: web, typeUrl: cds });
  stream.send({ typeUrl: cds, responseNonce: (await stream.next()).nonce });
  stream.send({ typeUrl: lds });
  await stream.next();
}

test("the type istio.io/debug/syncz lists each proxy, and not the one who asks", async (t) => {
  const { port } = await start(t, false);
  await connectProxy(t, port);
  const client = openStateOfTheWorld(t, port);
  client.send({ node: asker, typeUrl: SYNCZ });
  const { typeUrl, resources, controlPlane } = await client.next();
  assert.equal(typeUrl, SYNCZ);
  assert.deepEqual(JSON.parse(controlPlane?.identifier ?? ""), {
    Component: "istiod",
    ID: "meltemi-1",
    Info: { version: "0.1.0" },
  });
  assert.deepEqual(
    resources.map((resource) => resource.typeUrl),
    ["type.googleapis.com/envoy.service.status.v3.ClientConfig"],
  );
  const { node, genericXdsConfigs } = fromBinary(ClientConfigSchema, resources[0]?.value ?? new Uint8Array());
  assert.equal(node?.id, "web.shop");
  assert.equal(node?.metadata?.NAMESPACE, "shop");
  const statusOf = (type: "cluster" | "listener" | "route") =>
    genericXdsConfigs.find((each) => each.typeUrl === typeUrlOf(type))?.configStatus;
  assert.deepEqual(
    [statusOf("cluster"), statusOf("listener"), statusOf("route")],
    [ConfigStatus.SYNCED, ConfigStatus.STALE, ConfigStatus.NOT_SENT],
  );
});

test("debug types are answered once, and acknowledgements not at all", async (t) => {
  const { port } = await start(t, false);
  const client = openStateOfTheWorld(t, port);
  client.send({ node: asker, typeUrl: SYNCZ });
  const { nonce } = await client.next();
  client.send({ typeUrl: SYNCZ, responseNonce: nonce });
  client.send({ typeUrl: typeUrlOf("cluster") });
  assert.equal((await client.next()).typeUrl, typeUrlOf("cluster"));
});

test("a debug type is answered though its first request has a nonce, as istioctl's has", async (t) => {
  const { port } = await start(t, false);
  const client = openStateOfTheWorld(t, port);
  client.send({ node: asker, typeUrl: SYNCZ, responseNonce: "2026-05-01 10:00:00 +0000 UTC m=+0.5" });
  assert.equal((await client.next()).typeUrl, SYNCZ);
});

test("over TLS debug types are answered to the control plane's own namespace alone", async (t) => {
  const { port } = await start(t, true);
  const stranger = openStateOfTheWorld(t, port);
  stranger.send({ node: asker, typeUrl: SYNCZ });
  stranger.send({ typeUrl: typeUrlOf("cluster") });
  assert.equal((await stranger.next()).typeUrl, typeUrlOf("cluster"), "the first request goes unanswered");
  const own = openStateOfTheWorld(t, port);
  own.send({ node: nodeOf("istioctl.meltemi-system~meltemi-system"), typeUrl: SYNCZ });
  assert.equal((await own.next()).typeUrl, SYNCZ);
});

test("syncStatuses() has the nonces that each proxy was sent and acknowledged", async (t) => {
  const { plane, port } = await start(t, false);
  await connectProxy(t, port);
  const [status] = syncStatuses(plane.fleet);
  assert.equal(status?.proxy, "web.shop");
  assert.equal(status.cluster_sent, status.cluster_acked);
  assert.ok(status.listener_sent !== undefined && status.listener_acked === undefined);
  assert.equal(status.route_sent, undefined);
});
