import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ManualClock, systemClock } from "../core/clock.ts";
import { silentLogger } from "../core/logger.ts";
import type { Secret } from "../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts";
import { SecretSchema } from "../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from "../gen/envoy/service/discovery/v3/discovery_pb.ts";
import { GrpcClient } from "../grpc/client.ts";
import { GrpcServer } from "../grpc/server.ts";
import type { GrpcError } from "../grpc/status.ts";
import { buildRootFiles, createCertificateAuthority } from "../identity/certificate-authority.ts";
import { createControlPlaneSigner } from "../identity/control-plane-certificate.ts";
import { ownCertificateFiles } from "./certificate-file.ts";
import { startCertificateRotation } from "./certificate-rotation.ts";
import { createFileSecretSource } from "./file-secrets.ts";
import { createSdsMethods } from "./sds-server.ts";
import { createWorkloadSecretSource, firstSecretSourceOf } from "./secret-source.ts";

const HOUR_MS = 3_600_000;
const names = { uris: ["spiffe://cluster.local/ns/shop/sa/reviews"], dnsNames: [], ipAddresses: [] };

async function startSds(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), "meltemi-sds-"));
  const clock = new ManualClock(Date.now());
  const context = { clock, randomBytes };
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const built = createCertificateAuthority(buildRootFiles(privateKey, "cluster.local", context), context);
  assert.ok(built.kind === "authority");
  const { authority } = built;
  const sign = createControlPlaneSigner(authority, names);
  const rotation = startCertificateRotation(sign, { names, clock, random: () => 0.5, log: silentLogger });
  const options = {
    clock: systemClock,
    log: silentLogger,
    files: {
      read: (path: string) => ownCertificateFiles.read(join(directory, path)),
      watch: (path: string, changed: () => void) => ownCertificateFiles.watch(join(directory, path), changed),
    },
  };
  const source = firstSecretSourceOf([createWorkloadSecretSource(rotation), createFileSecretSource(options)]);
  const server = new GrpcServer({ clock: systemClock, log: silentLogger, random: Math.random });
  const path = join(directory, "sds.sock");
  await server.listen(
    { kind: "unix", path, mode: 0o600 },
    { methods: createSdsMethods(source, silentLogger) },
  );
  const client = new GrpcClient({ kind: "unix", path }, { clock: systemClock });
  t.after(async () => {
    client.close();
    rotation.close();
    await server.close();
    await rm(directory, { recursive: true });
  });
  return { client, clock, rotation, directory, authority };
}

// A stream whose responses are taken one by one.
function openStream<Request extends DescMessage, Response extends DescMessage>(
  client: GrpcClient,
  method: string,
  [requestSchema, responseSchema]: readonly [Request, Response],
) {
  const waiting: ((response: MessageShape<Response>) => void)[] = [];
  const arrived: MessageShape<Response>[] = [];
  let resolveEnd: (error: GrpcError | undefined) => void = () => undefined;
  const end = new Promise<GrpcError | undefined>((resolve) => {
    resolveEnd = resolve;
  });
  const call = client.bidi(`/envoy.service.secret.v3.SecretDiscoveryService/${method}`, {
    message(bytes) {
      const response = fromBinary(responseSchema, bytes);
      const next = waiting.shift();
      if (next === undefined) arrived.push(response);
      else next(response);
    },
    closed: (error) => resolveEnd(error),
  });
  return {
    arrived,
    end,
    send: (request: MessageInitShape<Request>) =>
      call.write([toBinary(requestSchema, create(requestSchema, request))]),
    next: (): Promise<MessageShape<Response>> => {
      const response = arrived.shift();
      return response === undefined
        ? new Promise((resolve) => waiting.push(resolve))
        : Promise.resolve(response);
    },
  };
}

const delta = [DeltaDiscoveryRequestSchema, DeltaDiscoveryResponseSchema] as const;
const stateOfTheWorld = [DiscoveryRequestSchema, DiscoveryResponseSchema] as const;

function chainOf(secret: Secret): string {
  const specifier =
    secret.type.case === "tlsCertificate" ? secret.type.value.certificateChain?.specifier : undefined;
  return specifier?.case === "inlineBytes" ? Buffer.from(specifier.value).toString() : "";
}

test("DeltaSecrets serves default and ROOTCA and pushes only the rotated certificate", async (t) => {
  const { client, clock, rotation } = await startSds(t);
  const stream = openStream(client, "DeltaSecrets", delta);
  stream.send({ resourceNamesSubscribe: ["default", "ROOTCA"] });
  const received: string[] = [];
  while (received.length < 2) {
    for (const { name } of (await stream.next()).resources) received.push(name);
  }
  assert.deepEqual(received.sort(), ["ROOTCA", "default"]);
  const before = rotation.current?.chainPem;
  clock.advance(12 * HOUR_MS);
  const pushed: Secret[] = [];
  while (pushed.length < 1) {
    const { resources } = await stream.next();
    for (const { resource } of resources) {
      const secret = fromBinary(SecretSchema, resource?.value ?? new Uint8Array());
      if (secret.name === "default") pushed.push(secret);
    }
  }
  const [secret] = pushed;
  assert.ok(secret !== undefined);
  assert.equal(chainOf(secret), rotation.current?.chainPem);
  assert.notEqual(chainOf(secret), before);
});

test("DeltaSecrets sends nothing that the client holds already, and says what will never exist", async (t) => {
  const { client } = await startSds(t);
  const first = openStream(client, "DeltaSecrets", delta);
  first.send({ resourceNamesSubscribe: ["ROOTCA"] });
  const version = (await first.next()).resources[0]?.version ?? "";
  const second = openStream(client, "DeltaSecrets", delta);
  second.send({
    resourceNamesSubscribe: ["ROOTCA", "nonsense"],
    initialResourceVersions: { ROOTCA: version },
  });
  const response = await second.next();
  assert.deepEqual(response.removedResources, ["nonsense"]);
  assert.deepEqual(response.resources, []);
});

test("StreamSecrets answers, takes the acknowledgement in silence and pushes the rotation", async (t) => {
  const { client, clock } = await startSds(t);
  const stream = openStream(client, "StreamSecrets", stateOfTheWorld);
  stream.send({ resourceNames: ["default"] });
  const first = await stream.next();
  assert.equal(first.resources.length, 1);
  stream.send({ resourceNames: ["default"], versionInfo: first.versionInfo, responseNonce: first.nonce });
  clock.advance(12 * HOUR_MS);
  const second = await stream.next();
  assert.notEqual(second.versionInfo, first.versionInfo);
  assert.equal(stream.arrived.length, 0);
});

test("DeltaSecrets serves certificates in files and follows their replacement", async (t) => {
  const { client, directory, authority } = await startSds(t);
  const fresh = async () => {
    const sign = createControlPlaneSigner(authority, names);
    const clock = new ManualClock(Date.now());
    const own = startCertificateRotation(sign, { names, clock, random: () => 0.5, log: silentLogger });
    const made = await new Promise<{ chain: string; key: string }>((resolve) =>
      own.watch(({ chainPem, keyPem }) => resolve({ chain: chainPem, key: keyPem.reveal() })),
    );
    own.close();
    return made;
  };
  const replace = async (file: string, text: string) => {
    await writeFile(join(directory, `${file}.new`), text);
    await rename(join(directory, `${file}.new`), join(directory, file));
  };
  const old = await fresh();
  await replace("cert.pem", old.chain);
  await replace("key.pem", old.key);
  const stream = openStream(client, "DeltaSecrets", delta);
  stream.send({ resourceNamesSubscribe: ["file-cert:/cert.pem~/key.pem"] });
  const nextChain = async () =>
    chainOf(
      fromBinary(SecretSchema, (await stream.next()).resources[0]?.resource?.value ?? new Uint8Array()),
    );
  assert.equal(await nextChain(), old.chain);
  const renewed = await fresh();
  // Between the two renames the pair doesn't fit together: it must not be served.
  await replace("cert.pem", renewed.chain);
  await replace("key.pem", renewed.key);
  assert.equal(await nextChain(), renewed.chain);
});

test("SDS bounds the names that a stream holds, in both forms of the protocol", async (t) => {
  const { client } = await startSds(t);
  const some = (from: number) => Array.from({ length: 600 }, (_, index) => `name-${from + index}`);
  const incremental = openStream(client, "DeltaSecrets", delta);
  incremental.send({ resourceNamesSubscribe: some(0) });
  await incremental.next();
  incremental.send({ resourceNamesSubscribe: some(600) });
  const whole = openStream(client, "StreamSecrets", stateOfTheWorld);
  whole.send({ resourceNames: [...some(0), ...some(600)] });
  for (const { end } of [incremental, whole]) {
    const error = await end;
    assert.equal(error?.status, "RESOURCE_EXHAUSTED");
    assert.equal(error.message, "Cannot hold 1200 names of secrets on one stream: the limit is 1000");
  }
});
