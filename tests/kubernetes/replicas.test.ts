// Two replicas of the control plane against a real API server, each with a proxy of its own: the status of an object
// speaks of both proxies, whichever replica leads.

import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { type TestContext, test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
} from "../../src/gen/envoy/service/discovery/v3/discovery_pb.ts";
import { customResourceDefinitions } from "../../src/install/custom-resource-definition.ts";
import { eventually } from "../e2e/mesh/eventually.ts";
import { openStateOfTheWorld } from "../protocol/ads-client.ts";
import { type ApiServer, startApiServer, whyNoApiServer } from "./cluster/api-server.ts";
import { definitionsEstablished } from "./cluster/definitions-established.ts";
import { clientOf, sign } from "./control-plane-client.ts";
import { type ControlPlaneProcess, startControlPlane } from "./control-plane-process.ts";
import { applyAll } from "./installed-user.ts";

const DELTA = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";
const PROGRAMMED = "/meltemi.replica.v1.ReplicaService/Programmed";
const LIMIT_MS = 60_000;

/** By which replicas reach each other; an API server refuses endpoints of loopback. */
const [machineAddress] = Object.values(networkInterfaces())
  .flatMap((all) => all ?? [])
  .filter(({ family, internal }) => family === "IPv4" && !internal)
  .map(({ address }) => address);
const skip = whyNoApiServer() || (machineAddress === undefined && "needs an IPv4 address beside loopback");

test("replicas of the control plane on a real API server", { skip }, async (t) => {
  const server = await startApiServer({ controllerManager: true });
  t.after(() => server.close());
  await applyAll(server, [
    ...customResourceDefinitions(),
    ...["meltemi-system", "shop"].map((name) => ({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name },
    })),
    reviews,
  ]);
  await definitionsEstablished(server.kubectl);
  await server.kubectl(["wait", "--for=create", "serviceaccount/default", "-n", "shop"]);
  const first = await startReplica(t, server, { name: "first" });
  const second = await startReplica(t, server, { name: "second" });
  await connectProxy(t, { server, plane: first, name: "web-1" });
  const other = await connectProxy(t, { server, plane: second, name: "web-2" });

  await t.test("the status waits for the proxies of both", async () => {
    await applyAll(server, [virtualService("1s")]);
    await untilProgrammed(server, { generation: 1, message: "all proxies have it" });
  });
  await t.test("a proxy that doesn't answer is missed, whoever serves it", async () => {
    other.isSilent = true;
    await applyAll(server, [virtualService("2s")]);
    await untilProgrammed(server, { generation: 2, message: "1 of 2 proxies" });
    other.acknowledge();
    await untilProgrammed(server, { generation: 2, message: "all proxies have it" });
  });
  await t.test("either tells over its monitoring port what all proxies have", async () => {
    for (const plane of [first, second]) assert.deepEqual(await countsOf(plane), [2, 2]);
  });
  await t.test("what a proxy was given is told by control planes of other revisions as well", async (t) => {
    const canary = await startReplica(t, server, { name: "third", revision: "canary" });
    const serving = await dumpedTypes(t, { server, plane: first });
    assert.ok(serving.some((typeUrl) => typeUrl.endsWith(".RoutesConfigDump")));
    await eventually(async () => assert.deepEqual(await dumpedTypes(t, { server, plane: canary }), serving));
    // Tools ask the replicas of one revision in turn, until one has the proxy.
    assert.deepEqual(await dumpedTypes(t, { server, plane: second }), ["istio.io/debug"]);
    canary.kill("SIGKILL");
    await server.kubectl(["-n", "meltemi-system", "delete", "endpointslice", "third"]);
  });
  await t.test("a workload may not ask a replica", async (t) => {
    const client = await clientOf(server, first, await sign(server, first, "istio-ca"));
    t.after(() => client.close());
    await assert.rejects(client.unary(PROGRAMMED, new Uint8Array()), { status: "PERMISSION_DENIED" });
  });
  await t.test("the proxies of a replica that is gone count no more", async () => {
    second.kill("SIGKILL");
    await server.kubectl(["-n", "meltemi-system", "delete", "endpointslice", "second"]);
    await eventually(async () => assert.deepEqual(await countsOf(first), [1, 1]), { deadlineMs: LIMIT_MS });
  });
});

const reviews = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "reviews", namespace: "shop" },
  spec: { selector: { app: "reviews" }, ports: [{ name: "http", port: 80 }] },
};

const virtualService = (timeout: string) => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: "reviews", namespace: "shop" },
  spec: { hosts: ["reviews"], http: [{ route: [{ destination: { host: "reviews" } }], timeout }] },
});

/** With an EndpointSlice, as its Service would have one. */
async function startReplica(
  t: TestContext,
  server: ApiServer,
  { name, revision = "default" }: { readonly name: string; readonly revision?: string },
): Promise<ControlPlaneProcess> {
  const plane = await startControlPlane(t, server, { podName: name, revision });
  const namespace = "meltemi-system";
  const labels = { "app.kubernetes.io/name": "meltemi", "istio.io/rev": revision };
  const targetRef = { kind: "Pod", name, namespace };
  await applyAll(server, [
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name, namespace, labels },
      addressType: "IPv4",
      ports: [{ name: "grpc-xds-tls", port: plane.xdsPort, protocol: "TCP" }],
      endpoints: [{ addresses: [machineAddress], conditions: { ready: true }, targetRef }],
    },
  ]);
  return plane;
}

interface Proxy {
  /** It acknowledges nothing while it is. */
  isSilent: boolean;
  /** All that came since it was silent, in order as Envoy does; it is silent no more. */
  acknowledge(): void;
}

/** A sidecar that wants the routes of port 80. */
async function connectProxy(
  t: TestContext,
  { server, plane, name }: { server: ApiServer; plane: ControlPlaneProcess; name: string },
): Promise<Proxy> {
  const client = await clientOf(server, plane, await sign(server, plane, "istio-ca"));
  t.after(() => client.close());
  const typeUrl = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";
  const send = (fields: object) =>
    call.write([
      toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, { ...fields, typeUrl })),
    ]);
  let nonces: string[] = [];
  const proxy: Proxy = {
    isSilent: false,
    acknowledge() {
      proxy.isSilent = false;
      for (const responseNonce of nonces) send({ responseNonce });
      nonces = [];
    },
  };
  const call = client.bidi(DELTA, {
    message: (bytes) => {
      nonces.push(fromBinary(DeltaDiscoveryResponseSchema, bytes).nonce);
      if (!proxy.isSilent) proxy.acknowledge();
    },
    closed: () => undefined,
  });
  const node = { id: `sidecar~10.0.0.9~${name}.shop~shop.svc.cluster.local`, cluster: "web" };
  send({ node, resourceNamesSubscribe: ["80"] });
  return proxy;
}

/** What istioctl is answered when it asks what `web-1` was given. */
async function dumpedTypes(
  t: TestContext,
  { server, plane }: { readonly server: ApiServer; readonly plane: ControlPlaneProcess },
): Promise<readonly string[]> {
  const words = ["-n", "meltemi-system", "create", "token", "default", "--audience", "istio-ca"];
  const token = (await server.kubectl(words)).trim();
  const client = openStateOfTheWorld(t, plane.xdsPort, { token });
  const id = "sidecar~192.0.2.1~test-1.default~default.svc.cluster.local";
  const metadata = { NAMESPACE: "meltemi-system", SERVICE_ACCOUNT: "default" };
  const typeUrl = "istio.io/debug/config_dump";
  client.send({ node: { id, metadata }, typeUrl, resourceNames: ["web-1.shop"] });
  const { resources } = await client.next();
  return resources.map((each) => each.typeUrl);
}

interface Condition {
  readonly type: string;
  readonly message: string;
  readonly observedGeneration: number;
}

/** Who has the VirtualService, and whom it concerns, of all replicas. */
async function countsOf({
  monitoringPort,
}: {
  readonly monitoringPort: number;
}): Promise<readonly unknown[]> {
  const query = "object=VirtualService/shop/reviews&replicas=all";
  const response = await fetch(`http://127.0.0.1:${monitoringPort}/programmed?${query}`);
  const { acknowledgedCount, proxyCount } = (await response.json()) as Record<string, unknown>;
  return [acknowledgedCount, proxyCount];
}

async function untilProgrammed(
  { kubectl }: ApiServer,
  { generation, message }: { readonly generation: number; readonly message: string },
): Promise<void> {
  await eventually(
    async () => {
      const text = await kubectl(["-n", "shop", "get", "virtualservice", "reviews", "-o", "json"]);
      const { status = {} } = JSON.parse(text) as { status?: { conditions?: readonly Condition[] } };
      const programmed = status.conditions?.find(({ type }) => type === "Programmed");
      assert.deepEqual([programmed?.observedGeneration, programmed?.message], [generation, message]);
    },
    { deadlineMs: LIMIT_MS },
  );
}
