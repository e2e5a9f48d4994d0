// The control plane against a real API server: identity, root certificates, leadership, a quiet end.

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { type TestContext, test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { DeltaDiscoveryRequestSchema } from "../../src/gen/envoy/service/discovery/v3/discovery_pb.ts";
import type { GrpcClient } from "../../src/grpc/client.ts";
import { type ApiServer, startApiServer, whyNoApiServer } from "./cluster/api-server.ts";
import { clientOf, rootsIn, sign, tokenFor } from "./control-plane-client.ts";
import { type ControlPlaneProcess, startControlPlane } from "./control-plane-process.ts";

const skip = whyNoApiServer();
const DELTA = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";

test("the control plane against a real API server", { skip }, async (t) => {
  const server = await startApiServer({ controllerManager: true });
  t.after(() => server.close());
  for (const name of ["meltemi-system", "shop"]) await server.kubectl(["create", "namespace", name]);
  await server.kubectl(["wait", "--for=create", "serviceaccount/default", "-n", "shop"]);
  const [first, second] = await Promise.all([
    startControlPlane(t, server, { podName: "first" }),
    startControlPlane(t, server, { podName: "second" }),
  ]);
  await t.test("writes root certificates into every namespace", () => writesRoots(server));
  await t.test("tells its health, and the rest to loopback", () => tellsHealth(first));
  await t.test("signs for tokens of its audience, whichever replica is asked", async () => {
    await signsForTokens(server, first);
    await signsForTokens(server, second);
  });
  await t.test("serves xDS to those who show who they are", (t) => servesKnownClients(t, server, first));
  await t.test("serves a pod's stream to that pod alone", (t) => servesPodsAlone(t, server, first));
  await t.test("has another leader when the first is killed", () => replacesLeader(server, [first, second]));
  await t.test("ends quietly on SIGTERM, and gives its lease back", (t) => endsQuietly(t, server));
});

async function writesRoots(server: ApiServer): Promise<void> {
  const roots = await rootsIn(server, "shop");
  assert.ok(new X509Certificate(roots).ca);
  await server.kubectl(["create", "namespace", "later"]);
  assert.equal(await rootsIn(server, "later"), roots);
  const secret = [
    "-n",
    "meltemi-system",
    "get",
    "secret",
    "meltemi-ca",
    "-o",
    "jsonpath={.data.root-cert\\.pem}",
  ];
  assert.equal(Buffer.from(await server.kubectl(secret), "base64").toString(), roots);
}

async function tellsHealth({ monitoringPort }: ControlPlaneProcess): Promise<void> {
  const get = async (path: string) => await fetch(`http://127.0.0.1:${monitoringPort}${path}`);
  assert.equal((await get("/ready")).status, 200);
  assert.match(await (await get("/metrics")).text(), /^pilot_info\{version=/m);
  assert.deepEqual(await (await get("/problems")).json(), []);
}

async function signsForTokens(server: ApiServer, plane: ControlPlaneProcess): Promise<void> {
  const { certificate } = await sign(server, plane, "istio-ca");
  const { subjectAltName } = new X509Certificate(certificate);
  assert.equal(subjectAltName, "URI:spiffe://cluster.local/ns/shop/sa/default");
  await assert.rejects(sign(server, plane, "https://kubernetes.default.svc"), { status: "UNAUTHENTICATED" });
}

interface Subscription {
  readonly namespace: string;
  readonly name?: string;
  readonly ip?: string;
  readonly token?: string;
}

/** Resolves with the first answer's length, rejects with the status. */
function subscribe(
  t: TestContext,
  client: GrpcClient,
  { namespace, name = "machine-1", ip = "10.0.0.9", token }: Subscription,
): Promise<number> {
  t.after(() => client.close());
  const id = `sidecar~${ip}~${name}.${namespace}~${namespace}.svc.cluster.local`;
  const request = create(DeltaDiscoveryRequestSchema, {
    node: { id, cluster: "web" },
    typeUrl: "type.googleapis.com/envoy.config.cluster.v3.Cluster",
    resourceNamesSubscribe: ["*"],
  });
  return new Promise((resolve, reject) => {
    const call = client.bidi(
      DELTA,
      {
        message: (bytes) => resolve(bytes.length),
        closed: (error) => reject(error ?? new Error("closed")),
      },
      { ...(token !== undefined && { metadata: { authorization: `Bearer ${token}` } }) },
    );
    call.write([toBinary(DeltaDiscoveryRequestSchema, request)]);
  });
}

async function servesKnownClients(
  t: TestContext,
  server: ApiServer,
  plane: ControlPlaneProcess,
): Promise<void> {
  await assert.rejects(subscribe(t, await clientOf(server, plane), { namespace: "shop" }), {
    status: "UNAUTHENTICATED",
  });
  const token = await tokenFor(server, "istio-ca");
  assert.ok((await subscribe(t, await clientOf(server, plane), { namespace: "shop", token })) > 0);
  const foreign = subscribe(t, await clientOf(server, plane), { namespace: "later", token });
  await assert.rejects(foreign, { status: "PERMISSION_DENIED" });
  const identity = await sign(server, plane, "istio-ca");
  assert.ok((await subscribe(t, await clientOf(server, plane, identity), { namespace: "shop" })) > 0);
  const other = subscribe(t, await clientOf(server, plane, identity), { namespace: "later" });
  await assert.rejects(other, { status: "PERMISSION_DENIED" });
}

/** Two pods of one ServiceAccount, as a kubelet would report them. */
async function servesPodsAlone(t: TestContext, server: ApiServer, plane: ControlPlaneProcess): Promise<void> {
  const ips = { "web-1": "10.0.0.1", "web-2": "10.0.0.2" };
  for (const [name, podIP] of Object.entries(ips)) {
    await server.kubectl(["-n", "shop", "run", name, "--image", "app", "--restart", "Never"]);
    const status = JSON.stringify({ status: { phase: "Running", podIP, podIPs: [{ ip: podIP }] } });
    await server.kubectl(["-n", "shop", "patch", "pod", name, "--subresource", "status", "-p", status]);
  }
  const own = await sign(server, plane, "istio-ca", "web-1");
  assert.match(new X509Certificate(own.certificate).subject, /^unstructuredName=web-1$/m);
  const asWeb1 = { namespace: "shop", name: "web-1", ip: ips["web-1"] };
  const asWeb2 = { namespace: "shop", name: "web-2", ip: ips["web-2"] };
  assert.ok((await subscribe(t, await clientOf(server, plane, own), asWeb1)) > 0);
  const token = await tokenFor(server, "istio-ca", "web-1");
  const unbound = await sign(server, plane, "istio-ca");
  const attempts = [
    async () => subscribe(t, await clientOf(server, plane, own), asWeb2),
    async () => subscribe(t, await clientOf(server, plane), { ...asWeb2, token }),
    async () => subscribe(t, await clientOf(server, plane, own), { ...asWeb1, ip: ips["web-2"] }),
    async () => subscribe(t, await clientOf(server, plane, unbound), asWeb2),
  ];
  for (const attempt of attempts) await assert.rejects(attempt(), { status: "PERMISSION_DENIED" });
}

async function holderOf(server: ApiServer): Promise<string> {
  const lease = ["-n", "meltemi-system", "get", "lease", "meltemi-leader"];
  return (await server.kubectl([...lease, "-o", "jsonpath={.spec.holderIdentity}"])).split("_")[0] ?? "";
}

async function replacesLeader(server: ApiServer, planes: readonly ControlPlaneProcess[]): Promise<void> {
  const names = ["first", "second"];
  const before = await holderOf(server);
  const leader = planes[names.indexOf(before)];
  assert.ok(leader !== undefined, before);
  leader.kill("SIGKILL");
  await leader.ended;
  await server.kubectl(["create", "namespace", "after-the-king"]);
  await rootsIn(server, "after-the-king");
  assert.notEqual(await holderOf(server), before);
}

async function endsQuietly(t: TestContext, server: ApiServer): Promise<void> {
  const third = await startControlPlane(t, server, { podName: "third" });
  const identity = await sign(server, third, "istio-ca");
  const client = await clientOf(server, third, identity);
  t.after(() => client.close());
  const startMs = performance.now();
  third.kill("SIGTERM");
  assert.deepEqual(await third.ended, [0, null]);
  assert.ok(performance.now() - startMs < 25_000);
  assert.ok(third.events.some(({ msg }) => msg === "control plane draining"));
  assert.notEqual(await holderOf(server), "third");
}
