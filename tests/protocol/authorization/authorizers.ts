// External authorizers: one that is asked by HTTP, one that is asked by gRPC.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import * as grpcJs from "@grpc/grpc-js";
import { typedConfig } from "../../../src/envoy/encode.ts";
import { Cluster_DiscoveryType, ClusterSchema } from "../../../src/gen/envoy/config/cluster/v3/cluster_pb.ts";
import { ApiVersion } from "../../../src/gen/envoy/config/core/v3/config_source_pb.ts";
import { HttpProtocolOptionsSchema } from "../../../src/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts";
import {
  type CheckRequest,
  CheckRequestSchema,
  CheckResponseSchema,
} from "../../../src/gen/envoy/service/auth/v3/external_auth_pb.ts";
import type { ExtensionProvider } from "../../../src/kinds/mesh-config/extension-provider.ts";
import { builtResource, cluster, endpoints, type TypedResource } from "../mesh-resources.ts";
import type { Call } from "./call.ts";
import type { Decider } from "./evaluator.ts";

/** What each looks at, of a request; the one that is asked by gRPC looks at a connection's source. */
export const ALLOWING_HEADER = { http: "x-allow-http", grpc: "x-allow-grpc" } as const;

export const DENIED_SOURCE = "127.2.0.3";

const HTTP_HOST = "http.authz.example";
const GRPC_HOST = "grpc.authz.example";
const PORT = 9000;

export const deciders: Readonly<Record<string, Decider>> = {
  "ask-http": { transport: "http", allows: (call) => call.headers[ALLOWING_HEADER.http] === "yes" },
  "ask-grpc": {
    transport: "grpc",
    allows: (call: Call) =>
      call.transport === "tcp"
        ? call.sourceAddress !== DENIED_SOURCE
        : call.headers[ALLOWING_HEADER.grpc] === "yes",
  },
};

export const extensionProviders: readonly ExtensionProvider[] = [
  {
    name: "ask-http",
    envoyExtAuthzHttp: {
      service: HTTP_HOST,
      port: PORT,
      includeRequestHeadersInCheck: [ALLOWING_HEADER.http],
    },
  },
  { name: "ask-grpc", envoyExtAuthzGrpc: { service: GRPC_HOST, port: PORT } },
];

/** Services of the mesh that the providers name. */
export const authorizerServices: readonly object[] = [HTTP_HOST, GRPC_HOST].map((host) => ({
  apiVersion: "networking.istio.io/v1",
  kind: "ServiceEntry",
  metadata: { namespace: "authz", name: host },
  spec: { hosts: [host], ports: [{ name: "any", number: PORT, protocol: "GRPC" }], resolution: "DNS" },
}));

/** The clusters that the providers are asked through. */
export async function startAuthorizers(t: TestContext): Promise<readonly TypedResource[]> {
  const [http, grpc] = [`outbound|${PORT}||${HTTP_HOST}`, `outbound|${PORT}||${GRPC_HOST}`];
  return [
    ...[cluster(http), endpoints(http, await startHttp(t))],
    ...[http2Cluster(grpc), endpoints(grpc, await startGrpcAuthorizer(t, isAllowed))],
  ];
}

export function http2Cluster(name: string): TypedResource {
  const protocols = typedConfig(HttpProtocolOptionsSchema, {
    upstreamProtocolOptions: {
      case: "explicitHttpConfig",
      value: { protocolConfig: { case: "http2ProtocolOptions", value: {} } },
    },
  });
  return builtResource("cluster", ClusterSchema, {
    name,
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: {
      edsConfig: { configSourceSpecifier: { case: "ads", value: {} }, resourceApiVersion: ApiVersion.V3 },
    },
    typedExtensionProtocolOptions: { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": protocols },
  });
}

async function startHttp(t: TestContext): Promise<number> {
  const server = createServer((request, response) => {
    response.statusCode = request.headers[ALLOWING_HEADER.http] === "yes" ? 200 : 403;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Returns its port. */
export async function startGrpcAuthorizer(
  t: TestContext,
  allows: (request: CheckRequest) => boolean,
): Promise<number> {
  const server = new grpcJs.Server();
  const identity = (bytes: Buffer) => bytes;
  server.addService(
    {
      check: {
        path: "/envoy.service.auth.v3.Authorization/Check",
        requestStream: false,
        responseStream: false,
        requestSerialize: identity,
        requestDeserialize: identity,
        responseSerialize: identity,
        responseDeserialize: identity,
      },
    },
    {
      check: (call: grpcJs.ServerUnaryCall<Buffer, Buffer>, answer: grpcJs.sendUnaryData<Buffer>) =>
        answer(null, Buffer.from(checked(allows(fromBinary(CheckRequestSchema, call.request))))),
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpcJs.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  t.after(() => server.forceShutdown());
  return port;
}

const PERMISSION_DENIED = 7;

function isAllowed({ attributes }: CheckRequest): boolean {
  const http = attributes?.request?.http;
  const source = attributes?.source?.address?.address;
  const address = source?.case === "socketAddress" ? source.value.address : "";
  return http === undefined || http.method === ""
    ? address !== DENIED_SOURCE
    : http.headers[ALLOWING_HEADER.grpc] === "yes";
}

function checked(isAllowed: boolean): Uint8Array {
  const message = create(CheckResponseSchema, { status: { code: isAllowed ? 0 : PERMISSION_DENIED } });
  return toBinary(CheckResponseSchema, message);
}
