// Who a stream is: attacks on a pod's config by clients that say they are that pod, or another, on plaintext and with
// genuine certificates. Nothing that a client says of itself may touch what another is served.

import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { proxyStatuses } from "../../src/admin/fleet-report.ts";
import type { PodOwner } from "../../src/core/stream-identity.ts";
import { type Claim, type Proof, startClaimedPlane } from "./claiming-client.ts";

const uidOf = (name: string) => `uid-of-${name}`;

interface PodText {
  readonly namespace?: string;
  readonly serviceAccount?: string;
  readonly ip: string;
  readonly app?: string;
  readonly role?: string;
  readonly uid?: string;
}

function pod(name: string, { namespace = "shop", ip, ...rest }: PodText): string {
  const { serviceAccount = "web", app = "web", role = "sidecar", uid = uidOf(name) } = rest;
  return `
apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: ${namespace}, uid: ${uid}, labels: { app: ${app} } }
spec:
  serviceAccountName: ${serviceAccount}
  containers: [{ name: istio-proxy, image: proxy, args: [proxy, ${role}] }]
status: { phase: Running, podIP: ${ip}, podIPs: [{ ip: ${ip} }] }
`;
}

const mesh = [
  `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { clusterIP: 10.96.0.1, selector: { app: web }, ports: [{ name: http, port: 8080 }] }
`,
  `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: web, namespace: shop }
spec: { selector: { matchLabels: { app: web } }, mtls: { mode: STRICT } }
`,
  `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: edge, namespace: shop }
spec:
  selector: { app: edge }
  servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }]
`,
  pod("web-1", { ip: "10.0.0.1" }),
  pod("web-2", { ip: "10.0.0.2" }),
  pod("edge-1", { ip: "10.0.0.3", app: "edge", serviceAccount: "edge", role: "router" }),
  pod("teller-1", { ip: "10.0.0.4", namespace: "bank", serviceAccount: "teller", app: "teller" }),
].join("---");

function idOf(name: string, ip: string, { kind = "sidecar", namespace = "shop" } = {}): string {
  return `${kind}~${ip}~${name}.${namespace}~${namespace}.svc.cluster.local`;
}

const web1 = idOf("web-1", "10.0.0.1");
const edge1 = idOf("edge-1", "10.0.0.3", { kind: "router" });

function proofOf(name: string, serviceAccount = "web", namespace = "shop"): PodOwner {
  return { namespace, serviceAccount, pod: { name, uid: uidOf(name) } };
}

/** Of an older release's CA. */
const withoutPod = ({ pod: _, ...proof }: PodOwner): Proof => proof;

const teller = proofOf("teller-1", "teller", "bank");

interface Attack {
  readonly claim: Claim;
  readonly proof?: Proof;
  /** Whose own socket the attacker comes by, where it doesn't come by TCP. */
  readonly socket?: PodOwner;
  /** Of the sentence that the attacker hears. */
  readonly why: RegExp;
}

const attacks: Readonly<Record<string, Attack>> = {
  "on plaintext, the victim's node id": { claim: { id: web1 }, why: /pod "shop\/web-1" .*plaintext/ },
  "on plaintext, the victim's node id with another namespace and labels": {
    claim: { id: web1, metadata: { NAMESPACE: "elsewhere", LABELS: { app: "none" } } },
    why: /its metadata says that it is "web-1.elsewhere"/,
  },
  "on plaintext, the victim's name at another address": {
    claim: { id: idOf("web-1", "192.0.2.1"), metadata: { LABELS: { app: "none" } } },
    why: /pod "shop\/web-1"/,
  },
  "on plaintext, another name at the victim's address": {
    claim: { id: idOf("made-up", "10.0.0.1") },
    why: /pod "shop\/web-1"/,
  },
  "on plaintext, another name with the victim's address among its own": {
    claim: { id: idOf("made-up", "192.0.2.1"), metadata: { INSTANCE_IPS: "192.0.2.1,::ffff:10.0.0.1" } },
    why: /pod "shop\/web-1"/,
  },
  "on plaintext, a gateway's node id": { claim: { id: edge1 }, why: /pod "shop\/edge-1"/ },
  "a certificate of another namespace, the victim's node id": {
    claim: { id: web1 },
    proof: teller,
    why: /of the namespace "bank"/,
  },
  "a certificate of another namespace, the victim's node id with that namespace": {
    claim: { id: web1, metadata: { NAMESPACE: "bank", NAME: "teller-1", LABELS: { app: "none" } } },
    proof: teller,
    why: /its metadata says that it is "teller-1.bank"/,
  },
  "a certificate of another pod with the same ServiceAccount": {
    claim: { id: web1, metadata: { LABELS: { app: "none" } } },
    proof: proofOf("web-2"),
    why: /of the pod "web-2"/,
  },
  "a certificate of another ServiceAccount's pod, a gateway's node id": {
    claim: { id: edge1 },
    proof: proofOf("web-1"),
    why: /of the pod "web-1"/,
  },
  "a certificate of the pod's own, as a gateway": {
    claim: { id: idOf("web-2", "10.0.0.2", { kind: "router" }) },
    proof: proofOf("web-2"),
    why: /made as a sidecar/,
  },
  "a certificate of the pod's own, at another pod's address": {
    claim: { id: idOf("web-2", "10.0.0.1") },
    proof: proofOf("web-2"),
    why: /"10.0.0.1" is none of the addresses/,
  },
  "a certificate of a made-up name in the namespace": {
    claim: { id: web1 },
    proof: proofOf("web-9"),
    why: /of the pod "web-9"/,
  },
  "a certificate without a pod, from elsewhere than the pod it names": {
    claim: { id: web1, metadata: { LABELS: { app: "none" } } },
    proof: withoutPod(proofOf("web-1")),
    why: /doesn't come from this one's address/,
  },
  "a certificate without a pod, of another ServiceAccount": {
    claim: { id: edge1 },
    proof: withoutPod(proofOf("web-1")),
    why: /of the ServiceAccount "web", the pod of "edge"/,
  },
  "a pod's own socket, the victim's node id": {
    claim: { id: web1 },
    socket: proofOf("web-2"),
    why: /the socket is of the pod "web-2"/,
  },
  "a pod's own socket, a gateway's node id of another namespace": {
    claim: { id: edge1 },
    socket: teller,
    why: /the socket is of the namespace "bank"/,
  },
  "a pod's own socket, the victim's certificate and node id": {
    claim: { id: web1 },
    socket: proofOf("web-2"),
    proof: proofOf("web-1"),
    why: /The certificate isn't of the pod "shop\/web-2", whose socket this is/,
  },
  "the victim's socket, another pod's certificate": {
    claim: { id: web1 },
    socket: proofOf("web-1"),
    proof: proofOf("web-2"),
    why: /The certificate isn't of the pod "shop\/web-1", whose socket this is/,
  },
  "the victim's socket, a certificate of its predecessor": {
    claim: { id: web1 },
    socket: proofOf("web-1"),
    proof: { ...proofOf("web-1"), pod: { name: "web-1", uid: "uid-of-its-predecessor" } },
    why: /The certificate isn't of the pod "shop\/web-1", whose socket this is/,
  },
};

/** The version of what a proxy listens with, as it stands now. */
function versionOf(
  { plane }: Awaited<ReturnType<typeof startClaimedPlane>>,
  nodeId: string,
  listener: string,
) {
  const sessions = [...plane.fleet.sessions()].filter(
    ({ nodeId: id, proxy }) => id === nodeId && proxy.pod !== undefined,
  );
  assert.equal(sessions.length, 1, `${nodeId} counts once`);
  const [session] = sessions;
  assert.ok(session !== undefined);
  return plane.fleet.resourcesOf(session, "listener").find(({ name }) => name === listener)?.version;
}

/** A mesh with a sidecar and a gateway that have their listeners. */
async function startMesh(t: TestContext) {
  const started = await startClaimedPlane(t, mesh);
  const victims = [
    started.connect({ id: web1, metadata: { LABELS: { app: "web" } } }, proofOf("web-1")),
    started.connect({ id: edge1, metadata: { LABELS: { app: "edge" } } }, proofOf("edge-1", "edge")),
  ];
  for (const victim of victims) {
    victim.ask("listener");
    await victim.next();
  }
  const versions = () => [
    versionOf(started, web1, "virtualInbound"),
    versionOf(started, edge1, "0.0.0.0_80"),
  ];
  return { ...started, versions };
}

describe("a client that says it is another", () => {
  for (const [name, { claim, proof, socket, why }] of Object.entries(attacks)) {
    test(`${name}: is refused, and touches nothing`, async (t) => {
      const { plane, connect, connectFrom, versions } = await startMesh(t);
      const before = versions();
      assert.ok(before.every((version) => version !== undefined));
      const rowCount = plane.views.scopes.proxies.size;
      const attacker = await (socket === undefined
        ? connect(claim, proof)
        : connectFrom(socket, claim, proof));
      attacker.ask("listener");
      const served = attacker.next().then(() => ["SERVED", "a listener"] as const);
      const [status, message] = await Promise.race([attacker.ended, served]);
      assert.deepEqual([status, versions()], ["PERMISSION_DENIED", before]);
      assert.match(message, why);
      assert.equal(plane.views.scopes.proxies.size, rowCount, "nothing of it remains");
    });
  }
});

test("proxyStatuses() tells pods from other clients, and from pods that have gone", async (t) => {
  const { plane, connect, remove } = await startMesh(t);
  const stranger = connect({ id: idOf("stray", "192.0.2.1") });
  stranger.ask("cluster");
  await stranger.next();
  const pods = () =>
    proxyStatuses(plane.fleet, () => undefined).flatMap(({ name, isPod }) => (isPod ? [name] : []));
  assert.deepEqual([pods(), [...plane.fleet.sessions()].length], [["edge-1", "web-1"], 3]);
  remove("Pod", "shop", "web-1");
  assert.deepEqual([pods(), [...plane.fleet.sessions()].length], [["edge-1"], 3]);
});

test("a second stream of a pod isn't a second proxy; the newest counts, and the one left when it ends", async (t) => {
  const { plane, connect } = await startMesh(t);
  const counted = () => [...plane.fleet.sessions()].filter(({ nodeId }) => nodeId === web1);
  const [first] = counted();
  const second = connect({ id: web1 }, proofOf("web-1"));
  second.ask("listener");
  await second.next();
  assert.equal(counted().length, 1);
  assert.notEqual(counted()[0], first);
  second.close();
  await until(() => counted()[0] === first);
  assert.equal(plane.views.scopes.proxies.size, 2);
});

test("a pod's own socket is its identity, with its certificate and without one, and goes with its connections", async (t) => {
  const { connectFrom, pods } = await startMesh(t);
  const claim = { id: idOf("web-2", "10.0.0.2") };
  const proofs = [undefined, proofOf("web-2"), withoutPod(proofOf("web-2"))];
  const proxies = await Promise.all(proofs.map((proof) => connectFrom(proofOf("web-2"), claim, proof)));
  for (const proxy of proxies) {
    proxy.ask("cluster");
    const { resources } = await proxy.next();
    assert.ok(resources.has("inbound|8080||"), [...resources.keys()].join());
  }
  const teller1 = { id: idOf("teller-1", "10.0.0.4", { namespace: "bank" }) };
  const other = await connectFrom(teller, teller1);
  other.ask("cluster");
  await other.next();
  assert.equal(pods.podCount, 2);
  for (const proxy of [...proxies, other]) proxy.close();
  await until(() => pods.podCount === 0);
});

test("a pod of which nothing is known yet waits, and is served as what it is when it comes", async (t) => {
  const { put, connect, plane } = await startMesh(t);
  const late = connect({ id: idOf("web-3", "10.0.0.9") }, proofOf("web-3"));
  late.ask("cluster");
  await until(() => plane.views.scopes.proxies.size === 3);
  put(pod("web-3", { ip: "10.0.0.9" }));
  const { resources } = await late.next();
  assert.ok(resources.has("inbound|8080||"), [...resources.keys()].join());
});

test("a certificate of a pod that is gone isn't that of its successor", async (t) => {
  const { put, connect, plane, versions } = await startMesh(t);
  const before = versions();
  const old = connect(
    { id: web1 },
    { ...proofOf("web-1"), pod: { name: "web-1", uid: "uid-of-its-predecessor" } },
  );
  old.ask("listener");
  await until(() => plane.views.scopes.proxies.size === 3);
  assert.equal([...plane.fleet.sessions()].length, 2, "it waits to be known");
  put(pod("web-1", { ip: "10.0.0.1", uid: "uid-of-its-predecessor" }));
  await old.next();
  put(pod("web-1", { ip: "10.0.0.1" }));
  await until(() => versions()[0] === before[0]);
});

test("a certificate without a pod is that of the pod whose name and address the client has", async (t) => {
  const { put, connect } = await startMesh(t);
  put(pod("old-1", { ip: "127.0.0.1" }));
  const old = connect({ id: idOf("old-1", "127.0.0.1") }, withoutPod(proofOf("old-1")));
  old.ask("cluster");
  assert.ok((await old.next()).resources.has("inbound|8080||"));
  const other = connect({ id: idOf("machine-1", "192.0.2.9") }, withoutPod(proofOf("old-1")));
  other.ask("cluster");
  const [status, message] = await other.ended;
  assert.equal(status, "PERMISSION_DENIED");
  assert.match(message, /the connection comes from the pod "shop\/old-1"/);
});

test("a virtual machine is what the WorkloadGroup of its ServiceAccount says, whatever it says itself", async (t) => {
  const { put, connect } = await startMesh(t);
  put(workloadGroup("vms", "web"));
  put(workloadGroup("tellers", "teller"));
  const metadata = (group: string) => ({ AUTO_REGISTER_GROUP: group, LABELS: { app: "edge" } });
  const machine = (group: string) =>
    connect({ id: idOf("vm-1", "192.0.2.9"), metadata: metadata(group) }, withoutPod(proofOf("vm-1")));
  const known = machine("vms");
  known.ask("cluster");
  assert.ok((await known.next()).resources.has("inbound|8080||"));
  const impostor = machine("tellers");
  impostor.ask("cluster");
  const [status, message] = await impostor.ended;
  assert.equal(status, "PERMISSION_DENIED");
  assert.match(message, /the certificate is of the ServiceAccount "web", its WorkloadGroup of "teller"/);
});

function workloadGroup(name: string, serviceAccount: string): string {
  return `
apiVersion: networking.istio.io/v1
kind: WorkloadGroup
metadata: { name: ${name}, namespace: shop }
spec: { metadata: { labels: { app: web } }, template: { serviceAccount: ${serviceAccount} } }
`;
}

test("a client on plaintext says its own labels, until there is a pod that it says it is", async (t) => {
  const { put, connect, plane } = await startMesh(t);
  const stranger = connect({ id: idOf("someone", "192.0.2.1"), metadata: { LABELS: { app: "web" } } });
  stranger.ask("cluster");
  assert.ok((await stranger.next()).resources.has("inbound|8080||"));
  put(pod("someone", { ip: "10.0.0.7" }));
  const [status] = await stranger.ended;
  assert.equal(status, "PERMISSION_DENIED");
  await until(() => plane.views.scopes.proxies.size === 2);
});

async function until(claim: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 10_000; !claim(); ) {
    if (Date.now() > deadline) assert.fail(`never: ${claim}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
