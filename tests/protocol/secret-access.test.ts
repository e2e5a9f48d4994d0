// Over mTLS, with genuine certificates of the mesh's own CA: a Secret goes to the gateway that may read it, and to no
// other pod of its namespace, whatever that says of itself.

import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { systemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { spiffeId } from "../../src/core/spiffe-id.ts";
import { SecretSchema } from "../../src/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
} from "../../src/gen/envoy/service/discovery/v3/discovery_pb.ts";
import { GrpcClient } from "../../src/grpc/client.ts";
import { GrpcServer } from "../../src/grpc/server.ts";
import { createCertificateAuthenticator } from "../../src/identity/authenticator.ts";
import { buildRootFiles, createCertificateAuthority } from "../../src/identity/certificate-authority.ts";
import { buildCertificateRequest, parseCertificateRequest } from "../../src/identity/certificate-request.ts";
import { keyOf, rowKey } from "../../src/model/sources.ts";
import { createControlPlane } from "../../src/plane/create-control-plane.ts";
import { requireIdentity } from "../../src/serving/authenticated-backend.ts";
import { typeUrlOf } from "../../src/xds/resource-type.ts";
import { createXdsServer } from "../../src/xds/xds-server.ts";
import { keyedCertificate, tlsSecretData } from "../support/keyed-certificate-fixture.ts";
import { objectsOf } from "../support/mesh-fixture.ts";

const DELTA = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";
const sds = typeUrlOf("secret");
const GATEWAY_SECRET = "kubernetes://server-cert";
const RULE_SECRET = "kubernetes://client-cert";
const TRUST_DOMAIN = "cluster.local";

interface Identity {
  readonly account: string;
  readonly pod: string;
  readonly kind: "router" | "sidecar";
  readonly ip: string;
}

const edge: Identity = { account: "edge", pod: "edge-1", kind: "router", ip: "10.244.0.1" };
/** A gateway by its own words and its pod's, with the labels that the Gateway selects. */
const intruder: Identity = { account: "intruder", pod: "intruder-1", kind: "router", ip: "10.244.0.2" };
const sidecar: Identity = { account: "web", pod: "web-1", kind: "sidecar", ip: "10.244.0.3" };

const uidOf = ({ pod }: Identity) => `uid-of-${pod}`;

const podObject = (identity: Identity) => `
apiVersion: v1
kind: Pod
metadata: { name: ${identity.pod}, namespace: infra, uid: ${uidOf(identity)}, labels: { app: edge } }
spec:
  serviceAccountName: ${identity.account}
  containers: [{ name: istio-proxy, image: auto, args: [proxy, ${identity.kind}] }]
status: { phase: Running, podIP: ${identity.ip}, podIPs: [{ ip: ${identity.ip} }] }
`;

const secretObject = (name: string, more: Readonly<Record<string, string>> = {}) => {
  const pair = keyedCertificate();
  const data = { ...(JSON.parse(tlsSecretData(pair)) as object), "ca.crt": pair.certificatePem, ...more };
  return `
apiVersion: v1
kind: Secret
metadata: { name: ${name}, namespace: infra }
stringData: ${JSON.stringify(data)}
`;
};

const MESH = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: edge, namespace: infra }
spec:
  selector: { app: edge }
  servers:
    - port: { number: 443, name: https, protocol: HTTPS }
      hosts: [a.com]
      tls: { mode: SIMPLE, credentialName: server-cert }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: a, namespace: infra }
spec:
  hosts: [a.com]
  gateways: [edge]
  http: [{ route: [{ destination: { host: partner.example } }] }]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: partner, namespace: infra }
spec:
  hosts: [partner.example]
  ports: [{ number: 443, name: http, protocol: HTTP }]
  resolution: STATIC
  endpoints: [{ address: 192.0.2.1 }]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: partner, namespace: infra }
spec:
  host: partner.example
  trafficPolicy: { tls: { mode: MUTUAL, credentialName: client-cert } }
`;

const grant = (account: string) => `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: read-secrets, namespace: infra }
rules: [{ apiGroups: [""], resources: [secrets], verbs: [get, list, watch] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: read-secrets, namespace: infra }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: read-secrets }
subjects: [{ kind: ServiceAccount, name: ${account}, namespace: infra }]
`;

function createAuthority() {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const context = { clock: systemClock, randomBytes };
  const built = createCertificateAuthority(buildRootFiles(privateKey, TRUST_DOMAIN, context), context);
  assert.ok(built.kind === "authority");
  const { authority } = built;
  const issue = (uris: readonly string[], dnsNames: readonly string[], identity?: Identity) => {
    const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const names = { uris, dnsNames, ipAddresses: [] };
    const parsed = parseCertificateRequest(buildCertificateRequest(pair.privateKey, names));
    assert.ok(parsed.kind !== "refused");
    const pod = identity === undefined ? {} : { pod: { name: identity.pod, uid: uidOf(identity) } };
    const { publicKey } = parsed.request;
    const chain = authority.issue({ publicKey, names, ttlMs: 3_600_000, ...pod });
    return {
      certificate: chain.slice(0, -1).join(""),
      key: pair.privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
    };
  };
  return { rootsPem: authority.rootsPem, issue };
}

async function start(t: TestContext, options: { readonly isReviewed?: boolean } = {}) {
  const { rootsPem, issue } = createAuthority();
  const wanted: string[] = [];
  const plane = createControlPlane({
    clock: systemClock,
    log: silentLogger,
    ...(options.isReviewed && {
      onSecretsWanted: ({ namespace, serviceAccount }) => wanted.push(rowKey(namespace, serviceAccount)),
    }),
  });
  const put = (...documents: readonly string[]) => {
    const objects = objectsOf(documents.join("---"));
    plane.intake.change(
      objects.map((object) => ({ object, key: keyOf(object) })),
      [],
    );
    plane.intake.flush();
  };
  put(
    MESH,
    secretObject("server-cert"),
    secretObject("client-cert"),
    ...[edge, intruder, sidecar].map(podObject),
  );
  const context = { clock: systemClock, log: silentLogger };
  const backend = requireIdentity(plane.fleet, createCertificateAuthenticator([TRUST_DOMAIN]));
  const xds = createXdsServer(backend, context);
  const grpc = new GrpcServer({ ...context, random: Math.random });
  t.after(() => grpc.close());
  const { port = 0 } = await grpc.listen(
    { kind: "tcp", host: "127.0.0.1", port: 0 },
    {
      tls: { ...issue([], ["control-plane.test"]), clientRoots: rootsPem },
      methods: xds.methods({ servesSecrets: true }),
    },
  );
  const connect = (identity: Identity) => {
    const uri = spiffeId({ trustDomain: TRUST_DOMAIN, namespace: "infra", serviceAccount: identity.account });
    const tls = { serverRoots: rootsPem, serverName: "control-plane.test", ...issue([uri], [], identity) };
    return subscribe(t, new GrpcClient({ kind: "tcp", host: "127.0.0.1", port, tls }, context), identity);
  };
  return { plane, put, connect, wanted };
}

/** A proxy's stream that asks for both Secrets. */
function subscribe(t: TestContext, client: GrpcClient, { kind, pod, ip }: Identity) {
  t.after(() => client.close());
  // By name what the client has: "key" where it holds a private key, "none" where it was told that there is none.
  const held = new Map<string, "key" | "none">();
  const listeners = new Set<() => void>();
  let responseCount = 0;
  const call = client.bidi(DELTA, {
    message(bytes) {
      const { resources, removedResources, nonce } = fromBinary(DeltaDiscoveryResponseSchema, bytes);
      for (const { name, resource } of resources) {
        const { type } = fromBinary(SecretSchema, resource?.value ?? new Uint8Array());
        if (type.case === "tlsCertificate") held.set(name, "key");
      }
      for (const name of removedResources) held.set(name, "none");
      responseCount += 1;
      send({ typeUrl: sds, responseNonce: nonce });
      for (const listener of [...listeners]) listener();
    },
    closed: () => undefined,
  });
  const send = (request: object) =>
    call.write([toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, request))]);
  const node = { id: `${kind}~${ip}~${pod}.infra~infra.svc.cluster.local`, metadata: { NAMESPACE: "infra" } };
  send({ node, typeUrl: sds, resourceNamesSubscribe: [GATEWAY_SECRET, RULE_SECRET] });
  const now = () => ({ gateway: held.get(GATEWAY_SECRET), rule: held.get(RULE_SECRET) });
  const untilTrue = (isSo: () => boolean, what: object) =>
    new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(JSON.stringify({ what, has: now() }))), 10_000);
      const check = () => {
        if (!isSo()) return;
        clearTimeout(timer);
        listeners.delete(check);
        resolve();
      };
      listeners.add(check);
      check();
    });
  return {
    now,
    responseCount: () => responseCount,
    until: (wanted: ReturnType<typeof now>) =>
      untilTrue(() => now().gateway === wanted.gateway && now().rule === wanted.rule, wanted),
    untilResponses: (count: number) => untilTrue(() => responseCount >= count, { count }),
  };
}

const ALL = { gateway: "key", rule: "key" } as const;
const NOTHING = { gateway: "none", rule: "none" } as const;

test("a Secret goes to the gateway whose ServiceAccount may read it, and to no other of its namespace", async (t) => {
  const { put, connect } = await start(t);
  put(grant("edge"));
  await connect(edge).until(ALL);
  await connect(intruder).until(NOTHING);
  await connect(sidecar).until(NOTHING);
});

test("without RBAC objects a gateway's own ServiceAccount has its Secrets, and a sidecar has none", async (t) => {
  const { connect } = await start(t);
  await connect(edge).until(ALL);
  await connect(sidecar).until(NOTHING);
});

test("a sidecar gets what a rule names that selects it when its ServiceAccount may read it, and no gateway's", async (t) => {
  const { put, connect } = await start(t);
  put(grant("web"));
  const client = connect(sidecar);
  await client.until(NOTHING);
  put(`
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: partner, namespace: infra }
spec:
  workloadSelector: { matchLabels: { app: edge } }
  host: partner.example
  trafficPolicy: { tls: { mode: MUTUAL, credentialName: client-cert } }
`);
  await client.until({ gateway: "none", rule: "key" });
});

test("a right that comes brings the Secret; one that goes stops it for new streams and new versions", async (t) => {
  const { plane, put, connect, wanted } = await start(t, { isReviewed: true });
  const client = connect(edge);
  await client.until(NOTHING);
  assert.deepEqual(wanted, ["infra/edge"], "the right was asked for, once, and not waited for");
  const say = (right: "allowed" | "denied") =>
    plane.fleet.commit((transaction) => transaction.set(plane.reviewedReaders, "infra/edge", right));
  say("allowed");
  await client.until(ALL);
  say("denied");
  await connect(edge).until(NOTHING);
  const responseCount = client.responseCount();
  put(secretObject("server-cert"));
  // What comes to a stream that asked later shows that the change has been dealt with.
  await connect({ ...edge }).until(NOTHING);
  assert.deepEqual([client.now(), client.responseCount()], [ALL, responseCount], "it keeps what it had");
  say("allowed");
  await client.untilResponses(responseCount + 1);
  assert.deepEqual(client.now(), ALL);
});

test("where an API server is asked, RBAC's objects and the gateway's own account give nothing", async (t) => {
  const { put, connect } = await start(t, { isReviewed: true });
  put(grant("edge"));
  await connect(edge).until(NOTHING);
});
