// For tests of who a stream is: a control plane with a CA of its own on TLS, on plaintext and on sockets of single pods, as
// a pod and as an attacker reach it, and clients that say of themselves whatever a test wants.

import { createPublicKey, generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { systemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { redacted } from "../../src/core/redacted.ts";
import type { PodOwner, PodReference, ProvenIdentity } from "../../src/core/stream-identity.ts";
import { ListenerSchema } from "../../src/gen/envoy/config/listener/v3/listener_pb.ts";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
} from "../../src/gen/envoy/service/discovery/v3/discovery_pb.ts";
import { GrpcClient } from "../../src/grpc/client.ts";
import { GrpcServer } from "../../src/grpc/server.ts";
import { createCertificateAuthenticator } from "../../src/identity/authenticator.ts";
import {
  buildRootFiles,
  type CertificateAuthority,
  createCertificateAuthority,
} from "../../src/identity/certificate-authority.ts";
import { readDer } from "../../src/identity/der-reader.ts";
import { readSubjectPublicKey } from "../../src/identity/subject-public-key.ts";
import { keyOf } from "../../src/model/sources.ts";
import { createControlPlane } from "../../src/plane/create-control-plane.ts";
import { describeCaller } from "../../src/plane/describe-caller.ts";
import { requireIdentity } from "../../src/serving/authenticated-backend.ts";
import { PodConnections } from "../../src/serving/pod-connections.ts";
import { createTrafficMethod } from "../../src/serving/traffic-method.ts";
import { TrafficHistory } from "../../src/traffic/traffic-history.ts";
import { type ResourceType, typeUrlOf } from "../../src/xds/resource-type.ts";
import { createXdsServer } from "../../src/xds/xds-server.ts";
import { objectsOf } from "../support/mesh-fixture.ts";

const DELTA = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";
const SERVER_NAME = "meltemi.test";

/** What a certificate proves. */
export interface Proof {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly pod?: PodReference;
}

/** What a client says. */
export interface Claim {
  readonly id: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

export interface ClaimingClient {
  /** Asks for a type; the first time with the node. */
  ask(type: ResourceType, names?: readonly string[]): void;
  /** Resolves with the names that are listened for or served, after the next response of the type. */
  next(): Promise<{ readonly typeUrl: string; readonly resources: ReadonlyMap<string, Uint8Array> }>;
  /** Resolves with the gRPC status and message that the stream ended with. */
  readonly ended: Promise<readonly [status: string, message: string]>;
  close(): void;
}

export async function startClaimedPlane(t: TestContext, objects: string) {
  const context = { clock: systemClock, log: silentLogger };
  const plane = createControlPlane(context);
  t.after(() => plane.intake.close());
  const put = (text: string) => {
    plane.intake.change(
      objectsOf(text).map((object) => ({ object, key: keyOf(object) })),
      [],
    );
    plane.intake.flush();
  };
  put(objects);
  const authority = newAuthority();
  const authenticator = createCertificateAuthenticator(["cluster.local"]);
  const backend = requireIdentity(plane.fleet, authenticator);
  const traffic = new TrafficHistory({ clock: systemClock });
  const describe = (caller: ProvenIdentity) => describeCaller(plane.model, caller);
  const reports = { history: traffic, authenticator, describe };
  const xds = createXdsServer(backend, context);
  const grpc = new GrpcServer({ ...context, random: () => 0.5 });
  t.after(() => grpc.close());
  const endpoint = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
  const own = certificateOf(authority, { uris: [], dnsNames: [SERVER_NAME], ipAddresses: [] });
  const tls = { ...own, clientRoots: authority.rootsPem };
  const methods = [...xds.methods({ servesSecrets: true }), createTrafficMethod(reports)];
  const secure = await grpc.listen(endpoint, { tls, methods });
  const plain = await grpc.listen(endpoint, { methods: xds.methods({ servesSecrets: false }) });
  const pods = new PodConnections({
    ...{ grpc, xds, trustDomain: "cluster.local", log: silentLogger },
    methodsOf: (owner) => [createTrafficMethod(reports, owner)],
    identity: {
      current: () => ({
        ...{ chainPem: own.certificate, keyPem: redacted(own.key), rootsPem: authority.rootsPem },
        notAfterMs: Number.POSITIVE_INFINITY,
      }),
      watch: () => () => undefined,
    },
  });
  /** By the pod's own socket; without proof it shows no certificate there. */
  const clientFrom = async (owner: PodOwner, proof?: Proof) => {
    const path = await listenFor(t, (socket) => pods.take(socket, owner));
    const trust = { serverRoots: authority.rootsPem, serverName: SERVER_NAME };
    const tls = proof === undefined ? trust : tlsOf(authority, proof);
    const client = new GrpcClient({ kind: "unix", path, tls }, { clock: systemClock });
    t.after(() => client.close());
    return client;
  };
  /** Over TLS, but on plaintext where nothing is to be proven. `anonymous` shows no certificate. */
  const clientOf = (proof?: Proof | "anonymous") => {
    const trust = { serverRoots: authority.rootsPem, serverName: SERVER_NAME };
    const ofPort = (port = 0) => ({ kind: "tcp", host: "127.0.0.1", port }) as const;
    const target =
      proof === undefined
        ? ofPort(plain.port)
        : { ...ofPort(secure.port), tls: proof === "anonymous" ? trust : tlsOf(authority, proof) };
    const client = new GrpcClient(target, { clock: systemClock });
    t.after(() => client.close());
    return client;
  };
  const connectFrom = async (owner: PodOwner, claim: Claim, proof?: Proof) =>
    openStream(await clientFrom(owner, proof), claim);
  const connect = (claim: Claim, proof?: Proof) => openStream(clientOf(proof), claim);
  const remove = (kind: string, namespace: string, name: string) => {
    plane.intake.change([], [keyOf({ apiVersion: "v1", kind, metadata: { namespace, name } })]);
    plane.intake.flush();
  };
  return { plane, pods, traffic, put, remove, clientOf, clientFrom, connect, connectFrom };
}

/** Resolves with the path of a socket in a directory of its own. */
async function listenFor(t: TestContext, take: (socket: Socket) => void): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "meltemi-pod-socket-"));
  const server = createServer(take);
  t.after(async () => {
    server.close();
    await rm(directory, { recursive: true });
  });
  const path = join(directory, "xds.sock");
  await once(server.listen(path), "listening");
  return path;
}

function openStream(client: GrpcClient, { id, metadata = {} }: Claim): ClaimingClient {
  const responses: Awaited<ReturnType<ClaimingClient["next"]>>[] = [];
  const waiting: ((response: (typeof responses)[number]) => void)[] = [];
  let end: (end: readonly [string, string]) => void = () => undefined;
  const ended = new Promise<readonly [string, string]>((resolve) => {
    end = resolve;
  });
  const call = client.bidi(DELTA, {
    message(bytes) {
      const { typeUrl, resources, nonce } = fromBinary(DeltaDiscoveryResponseSchema, bytes);
      send({ typeUrl, responseNonce: nonce });
      const found = new Map(
        resources.map(({ name, resource }) => [name, resource?.value ?? new Uint8Array()]),
      );
      const waiter = waiting.shift();
      if (waiter === undefined) responses.push({ typeUrl, resources: found });
      else waiter({ typeUrl, resources: found });
    },
    closed: (error?: Error & { status?: string }) => end([error?.status ?? "OK", error?.message ?? ""]),
  });
  const send = (fields: object) => {
    const request = create(DeltaDiscoveryRequestSchema, fields);
    call.write([toBinary(DeltaDiscoveryRequestSchema, request)]);
  };
  let isFirst = true;
  return {
    ask(type, resourceNamesSubscribe = []) {
      const node = isFirst ? { node: { id, metadata, ...ENVOY } } : {};
      isFirst = false;
      send({ ...node, typeUrl: typeUrlOf(type), resourceNamesSubscribe });
    },
    next: () => {
      const ready = responses.shift();
      return ready === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(ready);
    },
    ended,
    close: () => client.close(),
  };
}

const ENVOY = {
  userAgentName: "envoy",
  userAgentVersionType: {
    case: "userAgentBuildVersion",
    value: { version: { majorNumber: 1, minorNumber: 40, patch: 0 } },
  },
};

function newAuthority(): CertificateAuthority {
  const context = { clock: systemClock, randomBytes };
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const built = createCertificateAuthority(buildRootFiles(privateKey, "cluster.local", context), context);
  if (built.kind !== "authority") throw new Error(built.reason);
  return built.authority;
}

function tlsOf(authority: CertificateAuthority, { namespace, serviceAccount, pod }: Proof) {
  const uris = [`spiffe://cluster.local/ns/${namespace}/sa/${serviceAccount}`];
  const identity = certificateOf(authority, { uris, dnsNames: [], ipAddresses: [] }, pod);
  return { ...identity, serverRoots: authority.rootsPem, serverName: SERVER_NAME };
}

type Names = Parameters<CertificateAuthority["issue"]>[0]["names"];

function certificateOf(authority: CertificateAuthority, names: Names, pod?: PodReference) {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  const publicKey = readSubjectPublicKey(readDer(spki));
  const request = { publicKey, names, ttlMs: 3_600_000 };
  const [leaf = ""] = authority.issue(pod === undefined ? request : { ...request, pod });
  return { certificate: leaf, key: privateKey.export({ format: "pem", type: "pkcs8" }).toString() };
}

/** The inbound listener's ports that take no plaintext, as text of its chains. */
export function listenerOf(bytes: Uint8Array | undefined) {
  return fromBinary(ListenerSchema, bytes ?? new Uint8Array());
}
