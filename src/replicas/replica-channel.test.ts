import assert from "node:assert/strict";
import { type AddressInfo, connect, createServer } from "node:net";
import { type TestContext, test } from "node:test";
import { createTestRoot, type TestRoot } from "../../tests/support/certificates.ts";
import type { ReplicaReport } from "../admin/combined-report.ts";
import { type Clock, ManualClock, systemClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import { objectKey } from "../core/object-key.ts";
import { redacted } from "../core/redacted.ts";
import { GrpcServer } from "../grpc/server.ts";
import { type ReplicaAnswers, ReplicaClients, replicaMethods } from "./replica-channel.ts";
import type { ReplicaAddress } from "./replica-directory.ts";

const CONTROL_PLANE = "spiffe://cluster.local/ns/meltemi-system/sa/meltemi";
const WEB = objectKey({ kind: "VirtualService", namespace: "shop", name: "web" });

const answers: ReplicaAnswers = {
  report: (object) => ({ told: `of ${object}` }) as unknown as ReplicaReport,
  news: () => "7",
  configDump: async (proxyId) =>
    proxyId === "web-1.shop" ? [{ typeUrl: "clusters", value: Buffer.from([0, 255, 1]) }] : undefined,
};

async function startReplica(
  t: TestContext,
  root: TestRoot,
  clock: Clock = systemClock,
): Promise<ReplicaAddress> {
  const server = new GrpcServer({ clock, log: silentLogger, random: () => 0.5 });
  t.after(() => server.close());
  const tls = {
    ...(await root.issue()),
    clientRoots: root.certificate,
    clientCertificates: "optional",
  } as const;
  const methods = replicaMethods(answers, { namespace: "meltemi-system", trustDomain: "cluster.local" });
  const { port = 0 } = await server.listen({ kind: "tcp", host: "127.0.0.1", port: 0 }, { methods, tls });
  return { name: `replica-${port}`, revision: "default", host: "127.0.0.1", port, isReady: true };
}

async function clientsAs(
  t: TestContext,
  root: TestRoot,
  uri: string,
  clock: Clock = systemClock,
): Promise<ReplicaClients> {
  const { certificate, key } = await root.issue(uri);
  const own = {
    chainPem: certificate,
    keyPem: redacted(key),
    rootsPem: root.certificate,
    notAfterMs: Infinity,
  };
  const identity = { current: () => own, watch: () => () => undefined };
  const clients = new ReplicaClients({ clock, identity, serverName: "localhost" });
  t.after(() => clients.keepOnly([]));
  return clients;
}

/** Nobody listens there. */
const GONE: ReplicaAddress = { name: "gone", revision: "default", host: "127.0.0.1", port: 1, isReady: true };

test("ReplicaClients ask every replica for its report and its news, by name", async (t) => {
  const root = await createTestRoot("mesh");
  const [a, b] = [await startReplica(t, root), await startReplica(t, root)];
  const clients = await clientsAs(t, root, CONTROL_PLANE);
  assert.deepEqual(await clients.programmed(WEB, [a, b]), [
    { replica: a.name, report: { told: `of ${WEB}` } },
    { replica: b.name, report: { told: `of ${WEB}` } },
  ]);
  assert.deepEqual(await clients.news([b]), [[b.name, "7"]]);
});

test("ReplicaClients reject where a ready replica doesn't answer, and pass over one that isn't ready", async (t) => {
  const root = await createTestRoot("mesh");
  const replica = await startReplica(t, root);
  const clients = await clientsAs(t, root, CONTROL_PLANE);
  await assert.rejects(clients.programmed(WEB, [replica, GONE]), /Replica gone doesn't answer/);
  await assert.rejects(clients.news([GONE]), /Replica gone doesn't answer/);
  assert.deepEqual(await clients.news([replica, { ...GONE, isReady: false }]), [[replica.name, "7"]]);
});

test("ReplicaClients find what a proxy was given at the replica that has it, whoever else is silent", async (t) => {
  const root = await createTestRoot("mesh");
  const replica = await startReplica(t, root);
  const clients = await clientsAs(t, root, CONTROL_PLANE);
  const [section, ...others] = (await clients.configDump("web-1.shop", [GONE, replica])) ?? [];
  assert.deepEqual(others, []);
  assert.equal(section?.typeUrl, "clusters");
  assert.deepEqual([...(section?.value ?? [])], [0, 255, 1]);
  assert.equal(await clients.configDump("other-1.shop", [GONE, replica]), undefined);
});

for (const [who, uri] of [
  ["a workload", "spiffe://cluster.local/ns/shop/sa/meltemi"],
  ["a control plane of another trust domain", CONTROL_PLANE.replace("cluster.local", "other.example")],
] as const)
  test(`replicaMethods() answer nothing to ${who}`, async (t) => {
    const root = await createTestRoot("mesh");
    const replica = await startReplica(t, root);
    const clients = await clientsAs(t, root, uri);
    const refused = ({ cause }: Error) => /Only a control plane may ask this/.test(String(cause));
    await assert.rejects(clients.programmed(WEB, [replica]), refused);
    await assert.rejects(clients.news([replica]), refused);
    assert.equal(await clients.configDump("web-1.shop", [replica]), undefined);
  });

test("ReplicaClients keep one connection to a replica, and close those to replicas that are no more", async (t) => {
  const root = await createTestRoot("mesh");
  // Time stands still, so nobody closes a connection because it is idle.
  const clock = new ManualClock();
  const [a, b] = [await startReplica(t, root, clock), await startReplica(t, root, clock)];
  const seen = await seenOnTheWay(t, a);
  const clients = await clientsAs(t, root, CONTROL_PLANE, clock);
  await clients.news([seen.replica, b]);
  await clients.news([seen.replica, b]);
  assert.equal(seen.opened(), 1);
  clients.keepOnly([seen.replica]);
  await clients.news([seen.replica]);
  assert.equal(seen.opened(), 1);
  clients.keepOnly([b]);
  await seen.closed;
  await clients.news([seen.replica, b]);
  assert.equal(seen.opened(), 2);
});

/** The replica, by a port where its connections can be counted; `closed` resolves when the first of them is. */
async function seenOnTheWay(t: TestContext, replica: ReplicaAddress) {
  let openedCount = 0;
  let tellClosed: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => {
    tellClosed = resolve;
  });
  const server = createServer((socket) => {
    openedCount += 1;
    const onwards = connect(replica.port, replica.host);
    socket.pipe(onwards).pipe(socket);
    for (const end of [socket, onwards]) end.on("error", () => undefined);
    socket.on("close", () => {
      onwards.destroy();
      tellClosed();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { replica: { ...replica, port }, opened: () => openedCount, closed };
}
