// A control plane of a few lines for the agent's tests: signs certificates for tokens and serves one fixed set of
// clusters and listeners by delta ADS over mutual TLS.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import type { JsonValue } from "@bufbuild/protobuf";
import { create, createRegistry, fromBinary, fromJson, toBinary } from "@bufbuild/protobuf";
import { createCertificateClient } from "../../src/agent/certificate-client.ts";
import type { SignRequest, WorkloadCertificate } from "../../src/agent/certificate-rotation.ts";
import { startCertificateRotation } from "../../src/agent/certificate-rotation.ts";
import { systemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { spiffeId } from "../../src/core/spiffe-id.ts";
import { ListenerSchema } from "../../src/gen/envoy/config/listener/v3/listener_pb.ts";
import { RouterSchema } from "../../src/gen/envoy/extensions/filters/http/router/v3/router_pb.ts";
import { HttpConnectionManagerSchema } from "../../src/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { DownstreamTlsContextSchema } from "../../src/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
} from "../../src/gen/envoy/service/discovery/v3/discovery_pb.ts";
import { GrpcClient } from "../../src/grpc/client.ts";
import type { GrpcMethod } from "../../src/grpc/method.ts";
import { GrpcServer } from "../../src/grpc/server.ts";
import { GrpcError } from "../../src/grpc/status.ts";
import { createTokenAuthenticator } from "../../src/identity/authenticator.ts";
import { buildRootFiles, createCertificateAuthority } from "../../src/identity/certificate-authority.ts";
import { createCertificateMethod } from "../../src/identity/certificate-method.ts";
import { createCertificateService } from "../../src/identity/certificate-service.ts";
import { controlPlaneNames, createControlPlaneSigner } from "../../src/identity/control-plane-certificate.ts";
import { createTokenIssuer } from "../../src/identity/service-account-token.ts";

export interface TestControlPlane {
  readonly rootsPem: string;
  /** As the workload `shop/reviews`, with its token, over the socket. */
  readonly sign: SignRequest;
  /** How many ADS streams have been opened, each by a client with a verified certificate. */
  readonly streamCount: number;
  close(): Promise<void>;
}

export const reviewsIdentity = spiffeId({
  trustDomain: "cluster.local",
  namespace: "shop",
  serviceAccount: "reviews",
});

const context = { clock: systemClock, randomBytes };
const common = { clock: systemClock, random: Math.random, log: silentLogger };

/** Without `listeners`, whoever asks for them waits for ever. */
export async function startTestControlPlane(
  socketPath: string,
  listeners: readonly JsonValue[] | undefined,
): Promise<TestControlPlane> {
  const newKey = () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const files = buildRootFiles(newKey(), "cluster.local", context);
  const built = createCertificateAuthority(files, context);
  if (built.kind !== "authority") throw new Error(built.reason);
  const { authority } = built;
  const issuer = createTokenIssuer(newKey(), {
    clock: systemClock,
    issuer: "https://kubernetes.default.svc",
  });
  const authenticator = createTokenAuthenticator(issuer, {
    trustDomain: "cluster.local",
    audiences: ["istio-ca"],
  });
  const service = createCertificateService(authority, { authenticator, log: silentLogger });
  const names = controlPlaneNames({ trustDomain: "cluster.local" });
  const rotation = startCertificateRotation(createControlPlaneSigner(authority, names), { ...common, names });
  const own = await new Promise<WorkloadCertificate>((resolve) => rotation.watch(resolve));
  let streamCount = 0;
  const ads = createAdsMethod(listeners, () => streamCount++);
  const sign = createCertificateMethod(service, (status, message) => new GrpcError(status, message));
  const server = new GrpcServer(common);
  const tls = { certificate: own.chainPem, key: own.keyPem.reveal(), clientRoots: authority.rootsPem };
  await server.listen({ kind: "unix", path: socketPath }, { methods: [ads, sign], tls });
  const clientTls = { serverRoots: authority.rootsPem, serverName: "meltemi.meltemi-system.svc" };
  const client = new GrpcClient({ kind: "unix", path: socketPath, tls: clientTls }, { clock: systemClock });
  const token = {
    namespace: "shop",
    serviceAccount: "reviews",
    audiences: ["istio-ca"],
    expirationSeconds: 600,
  };
  return {
    rootsPem: authority.rootsPem,
    sign: createCertificateClient(client, { readToken: async () => issuer.issueToken(token) }),
    get streamCount() {
      return streamCount;
    },
    async close() {
      rotation.close();
      client.close();
      await server.close();
    },
  };
}

const registry = createRegistry(HttpConnectionManagerSchema, RouterSchema, DownstreamTlsContextSchema);

function createAdsMethod(listeners: readonly JsonValue[] | undefined, opened: () => void): GrpcMethod {
  const resources = listeners?.map((json) => {
    const listener = fromJson(ListenerSchema, json, { registry });
    const typeUrl = `type.googleapis.com/${ListenerSchema.typeName}`;
    return {
      name: listener.name,
      version: "1",
      resource: { typeUrl, value: toBinary(ListenerSchema, listener) },
    };
  });
  return {
    kind: "bidi",
    path: "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
    open(call) {
      if (call.peer.certificate === undefined) throw new GrpcError("UNAUTHENTICATED", "No certificate");
      opened();
      return {
        message(bytes) {
          const { typeUrl, responseNonce } = fromBinary(DeltaDiscoveryRequestSchema, bytes);
          if (responseNonce !== "") return;
          const isListener = typeUrl.endsWith(".Listener");
          if (isListener && resources === undefined) return;
          const response = create(DeltaDiscoveryResponseSchema, {
            typeUrl,
            nonce: "1",
            resources: isListener ? (resources ?? []) : [],
          });
          call.write([toBinary(DeltaDiscoveryResponseSchema, response)]);
        },
      };
    },
  };
}
