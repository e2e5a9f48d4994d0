// What Istio's tools ask a control plane about its proxies, over xDS: as `istioctl proxy-status` does.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { systemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { controlPlaneIdentifier, noDebugAccess } from "../../src/fleet/debug-types.ts";
import {
  ClustersConfigDumpSchema,
  RoutesConfigDumpSchema,
} from "../../src/gen/envoy/admin/v3/config_dump_shared_pb.ts";
import { ClusterSchema } from "../../src/gen/envoy/config/cluster/v3/cluster_pb.ts";
import { ClientConfigSchema, ConfigStatus } from "../../src/gen/envoy/service/status/v3/csds_pb.ts";
import { GrpcServer } from "../../src/grpc/server.ts";
import type { Authenticator } from "../../src/identity/authenticator.ts";
import { createControlPlane } from "../../src/plane/create-control-plane.ts";
import { requireIdentity } from "../../src/serving/authenticated-backend.ts";
import { typeUrlOf } from "../../src/xds/resource-type.ts";
import { createXdsServer } from "../../src/xds/xds-server.ts";
import { openDelta, openStateOfTheWorld } from "./ads-client.ts";

const SYNCZ = "istio.io/debug/syncz";
const web = nodeOf("web.shop~shop", { CLUSTER_ID: "east", ISTIO_VERSION: "0.1.0" });
const asker = nodeOf("test-1.shop~shop");

function nodeOf(name: string, metadata: Readonly<Record<string, string>> = {}) {
  return {
    id: `sidecar~10.0.0.1~${name}.svc.cluster.local`,
    metadata: { NAMESPACE: name.split("~")[1] ?? "", ...metadata },
  };
}

/** A token says its namespace. */
const authenticator: Authenticator = {
  async authenticate({ bearerToken }) {
    if (bearerToken === undefined) return { kind: "absent" };
    const [namespace, serviceAccount] = [bearerToken.reveal(), "default"];
    const caller = { proof: "token", trustDomain: "cluster.local", namespace, serviceAccount } as const;
    return { kind: "caller", caller };
  },
};

async function start(t: TestContext, servesSecrets: boolean) {
  const debug = {
    ...noDebugAccess,
    namespaces: ["meltemi-system"],
    controlPlane: controlPlaneIdentifier("meltemi-1", "0.1.0"),
  };
  const plane = createControlPlane({ clock: systemClock, log: silentLogger, debug });
  const server = new GrpcServer({ clock: systemClock, log: silentLogger, random: () => 0.5 });
  t.after(() => server.close());
  const xds = createXdsServer(requireIdentity(plane.fleet, authenticator), {
    clock: systemClock,
    log: silentLogger,
  });
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
  assert.deepEqual(node?.metadata, { CLUSTER_ID: "east", ISTIO_VERSION: "0.1.0", NAMESPACE: "shop" });
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

test("where secrets are served, debug types are answered to the control plane's own namespace alone", async (t) => {
  const { port } = await start(t, true);
  const stranger = openStateOfTheWorld(t, port, { token: "shop", isPlaintext: true });
  stranger.send({ node: asker, typeUrl: SYNCZ });
  stranger.send({ typeUrl: typeUrlOf("cluster") });
  assert.equal((await stranger.next()).typeUrl, typeUrlOf("cluster"), "the first request goes unanswered");
  const own = openStateOfTheWorld(t, port, { token: "meltemi-system", isPlaintext: true });
  own.send({ node: nodeOf("istioctl.meltemi-system~meltemi-system"), typeUrl: SYNCZ });
  assert.equal((await own.next()).typeUrl, SYNCZ);
});

test("istio.io/debug/config_dump has what a proxy was given, in the sections that Envoy's has", async (t) => {
  const { port } = await start(t, false);
  await connectProxy(t, port);
  const client = openStateOfTheWorld(t, port);
  client.send({ node: asker, typeUrl: "istio.io/debug/config_dump", resourceNames: ["web.shop"] });
  const { resources } = await client.next();
  const section = (name: string) =>
    resources.find(({ typeUrl }) => typeUrl === `type.googleapis.com/envoy.admin.v3.${name}ConfigDump`);
  const clusters = fromBinary(ClustersConfigDumpSchema, section("Clusters")?.value ?? new Uint8Array());
  const names = clusters.dynamicActiveClusters.map(
    ({ cluster }) => fromBinary(ClusterSchema, cluster?.value ?? new Uint8Array()).name,
  );
  assert.ok(names.includes("BlackHoleCluster"), names.join());
  const routes = fromBinary(RoutesConfigDumpSchema, section("Routes")?.value ?? new Uint8Array());
  assert.deepEqual(routes.dynamicRouteConfigs, [], "it asked for none");
});

test("of a proxy that isn't connected istio.io/debug/config_dump says so, in words that istioctl knows", async (t) => {
  const { port } = await start(t, false);
  const client = openStateOfTheWorld(t, port);
  client.send({ node: asker, typeUrl: "istio.io/debug/config_dump", resourceNames: ["gone.shop"] });
  const { resources } = await client.next();
  assert.deepEqual(
    resources.map(({ value }) => Buffer.from(value).toString()),
    ["Proxy not connected to this Pilot instance. It may be connected to another instance."],
  );
});

test("the type istio.io/debug has the pages of the debug interface", async (t) => {
  const { port } = await start(t, false);
  await connectProxy(t, port);
  const client = openStateOfTheWorld(t, port);
  client.send({ node: asker, typeUrl: "istio.io/debug", resourceNames: ["syncz"] });
  const { typeUrl, resources } = await client.next();
  assert.deepEqual([typeUrl, resources[0]?.typeUrl], ["istio.io/debug", "istio.io/debug"]);
  const [status] = JSON.parse(Buffer.from(resources[0]?.value ?? []).toString());
  const { proxy, cluster_id, istio_version } = status;
  assert.deepEqual([proxy, cluster_id, istio_version], ["web.shop", "east", "0.1.0"]);
  assert.equal(status.cluster_sent, status.cluster_acked);
  assert.ok(status.listener_sent !== undefined && status.listener_acked === undefined);
  assert.equal(status.route_sent, undefined);
});
