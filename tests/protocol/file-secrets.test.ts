// A real Envoy, and clusters whose TLS needs a secret that nobody has: all else goes on, and so do they once it is there.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { ownCertificateFiles } from "../../src/agent/certificate-file.ts";
import { createFileSecretSource } from "../../src/agent/file-secrets.ts";
import { createSdsMethods } from "../../src/agent/sds-server.ts";
import { systemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { controlPlaneSecret, fileSecret } from "../../src/envoy/secret/secret-config.ts";
import { Cluster_DiscoveryType, ClusterSchema } from "../../src/gen/envoy/config/cluster/v3/cluster_pb.ts";
import type { SdsSecretConfigSchema } from "../../src/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts";
import { UpstreamTlsContextSchema } from "../../src/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts";
import { GrpcServer } from "../../src/grpc/server.ts";
import { makeServerCertificate } from "../e2e/mesh/server-certificate.ts";
import type { AdsVariant } from "./envoy-process.ts";
import { findEnvoy, makeSocketDirectory, startEnvoy } from "./envoy-process.ts";
import type { TypedResource } from "./mesh-resources.ts";
import { cluster, endpoints, listener, routes } from "./mesh-resources.ts";
import { RecordingBackend, serve } from "./recording-backend.ts";
import { ask, startUpstream } from "./steady-load.ts";

const skip = findEnvoy() === undefined ? "no Envoy: set MELTEMI_ENVOY" : false;

type SecretConfig = MessageInitShape<typeof SdsSecretConfigSchema>;

/** A cluster that checks its server by the CA in a secret. */
function tlsCluster(name: string, port: number, roots: SecretConfig): TypedResource {
  const context = create(UpstreamTlsContextSchema, {
    commonTlsContext: {
      validationContextType: {
        case: "combinedValidationContext",
        value: { defaultValidationContext: {}, validationContextSdsSecretConfig: roots },
      },
    },
  });
  const socketAddress = { address: "127.0.0.1", portSpecifier: { case: "portValue", value: port } } as const;
  const endpoint = { address: { address: { case: "socketAddress", value: socketAddress } } } as const;
  const message = create(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STATIC },
    loadAssignment: {
      clusterName: name,
      endpoints: [{ lbEndpoints: [{ hostIdentifier: { case: "endpoint", value: endpoint } }] }],
    },
    transportSocket: {
      name: "envoy.transport_sockets.tls",
      configType: { case: "typedConfig", value: anyPack(UpstreamTlsContextSchema, context) },
    },
  });
  const bytes = toBinary(ClusterSchema, message);
  const version = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  return ["cluster", { name, version, body: [bytes], needs: [] }];
}

async function startTlsUpstream(t: TestContext) {
  const { certificatePem, keyPem } = await makeServerCertificate("partner.example");
  const server = createServer({ cert: certificatePem, key: keyPem }, (_request, response) =>
    response.end("by TLS"),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, certificatePem };
}

async function start(t: TestContext, variant: AdsVariant = "DELTA_GRPC") {
  const directory = makeSocketDirectory(t);
  const files = join(directory, "files");
  mkdirSync(files);
  const sdsPath = join(directory, "sds.sock");
  const server = new GrpcServer({ clock: systemClock, log: silentLogger, random: () => 0.5 });
  t.after(() => server.close());
  const source = createFileSecretSource({
    clock: systemClock,
    log: silentLogger,
    files: {
      read: (path) => ownCertificateFiles.read(join(files, path)),
      watch: (path, changed) => ownCertificateFiles.watch(join(files, path), changed),
    },
  });
  await server.listen({ kind: "unix", path: sdsPath }, { methods: createSdsMethods(source, silentLogger) });
  const port = await startUpstream(t, "plain");
  const adsPath = join(directory, "xds.sock");
  const plain = [
    cluster("plain"),
    endpoints("plain", port),
    listener("l", join(directory, "listener.sock"), "r"),
    routes("r", "plain"),
  ] as const;
  const backend = new RecordingBackend(plain);
  await serve(t, backend, { kind: "unix", path: adsPath });
  const envoy = startEnvoy(t, { directory, adsPath, variant, sdsPath });
  return { backend, envoy, files, plain };
}

async function untilAnswered(path: string, status: number): Promise<string> {
  for (const deadlineMs = Date.now() + 10_000; ; ) {
    const answer = await ask(path);
    if (answer.status === status) return answer.body;
    if (Date.now() > deadlineMs) throw new Error(`${answer.status} ${answer.body}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// Where secrets are asked for, and how soon an Envoy goes on without: by the answer, or by the time that it waits.
const cases: readonly [what: string, secret: SecretConfig, variant: AdsVariant, withinMs: number][] = [
  ["a file that isn't there", fileSecret("file-root:/ca.pem"), "DELTA_GRPC", 3_000],
  ["a file's name that can't be one", fileSecret("file-cert:/ca.pem"), "DELTA_GRPC", 3_000],
  ["a Secret that isn't served", controlPlaneSecret("kubernetes://ca"), "DELTA_GRPC", 3_000],
  ["a Secret that isn't served, without delta", controlPlaneSecret("kubernetes://ca"), "GRPC", 9_000],
];

for (const [what, secret, variant, withinMs] of cases) {
  test(`a cluster that needs ${what} holds up neither start nor acknowledgement`, { skip }, async (t) => {
    const { backend, envoy, plain } = await start(t, variant);
    const waiting = tlsCluster("waiting", 9, secret);
    const startedMs = performance.now();
    backend.publish([...plain, waiting]);
    await envoy.untilLive();
    await backend.untilAcknowledged(waiting);
    assert.ok(performance.now() - startedMs < withinMs, `${performance.now() - startedMs} ms`);
    assert.equal((await ask(envoy.listenerPath)).status, 200);
  });
}

test("a cluster refuses calls until its CA file is there, then makes them", { skip }, async (t) => {
  const { backend, envoy, files, plain } = await start(t);
  const upstream = await startTlsUpstream(t);
  const partner = tlsCluster("partner", upstream.port, fileSecret("file-root:/ca.pem"));
  backend.publish([...plain.slice(0, 3), routes("r", "partner"), partner]);
  await envoy.untilLive();
  await untilAnswered(envoy.listenerPath, 503);
  writeFileSync(join(files, "new.pem"), upstream.certificatePem);
  renameSync(join(files, "new.pem"), join(files, "ca.pem"));
  assert.equal(await untilAnswered(envoy.listenerPath, 200), "by TLS");
});
