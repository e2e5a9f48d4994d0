// An Envoy that asks external providers, one by HTTP and one by gRPC, before it forwards to a server; all three keep what they
// were sent. The first word of a request's path is what a provider does with it.

import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import * as grpcJs from "@grpc/grpc-js";
import { socketAddress } from "../../../src/envoy/address.ts";
import { buildHttpAuthorization } from "../../../src/envoy/authorization/http-authorization.ts";
import { type TypedFilter, typedFilter } from "../../../src/envoy/typed-filter.ts";
import { ListenerSchema } from "../../../src/gen/envoy/config/listener/v3/listener_pb.ts";
import { RouterSchema } from "../../../src/gen/envoy/extensions/filters/http/router/v3/router_pb.ts";
import { HttpConnectionManagerSchema } from "../../../src/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import {
  CheckRequestSchema,
  CheckResponseSchema,
} from "../../../src/gen/envoy/service/auth/v3/external_auth_pb.ts";
import type { AuthorizationProvider } from "../../../src/view/authorization-inputs.ts";
import { inputsOf, policyInputs } from "../../support/authorization-fixture.ts";
import { makeSocketDirectory, startEnvoy } from "../envoy-process.ts";
import { builtResource, cluster, endpoints, type TypedResource } from "../mesh-resources.ts";
import { RecordingBackend, serve } from "../recording-backend.ts";
import { http2Cluster } from "./authorizers.ts";
import type { AskedProvider } from "./provider-cases.ts";

// Nothing listens there.
const DEAD_PORT = 1;

/** By name: headers, and `:path`, `:body`, `:raw-body`. */
export type Told = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface Records {
  readonly asked: Told[];
  readonly served: Told[];
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
}

export type Ask = (
  index: number,
  call: { readonly path: string; readonly body?: string | undefined },
) => Promise<Answer>;

/** One Envoy with a listener for each; calls name them by their place in the list. */
export async function startAskingEnvoy(
  t: TestContext,
  providers: readonly AskedProvider[],
  { asked, served }: Records,
): Promise<Ask> {
  const ports = {
    http: await startHttpProvider(t, asked),
    grpc: await startGrpcProvider(t, asked),
    server: await startServer(t, served),
  };
  const directory = makeSocketDirectory(t);
  const adsPath = join(directory, "xds.sock");
  const pathOf = (index: number) => join(directory, `${index}.sock`);
  const backend = new RecordingBackend([
    ...[cluster("http"), endpoints("http", ports.http)],
    ...[http2Cluster("grpc"), endpoints("grpc", ports.grpc)],
    ...[cluster("dead-http"), endpoints("dead-http", DEAD_PORT)],
    ...[http2Cluster("dead-grpc"), endpoints("dead-grpc", DEAD_PORT)],
    ...[cluster("server"), endpoints("server", ports.server)],
    ...providers.map((provider, index) => listener(pathOf(index), provider)),
  ]);
  await serve(t, backend, { kind: "unix", path: adsPath });
  const envoy = startEnvoy(t, { directory, adsPath, variant: "DELTA_GRPC" });
  await envoy.untilLive();
  await backend.until(
    "answered the listeners",
    ({ kind, ...event }) =>
      (kind === "acknowledged" || kind === "rejected") && "type" in event && event.type === "listener",
  );
  assert.deepEqual(
    backend.events.flatMap((event) => (event.kind === "rejected" ? [event.detail] : [])),
    [],
  );
  return (index, call) => send(pathOf(index), call);
}

function listener(path: string, provider: AskedProvider): TypedResource {
  const { custom } = buildHttpAuthorization(
    inputsOf([policyInputs({ action: "CUSTOM", provider: "asked" })], {
      providers: { asked: providerOf(provider) },
    }),
  );
  return builtResource("listener", ListenerSchema, {
    name: path,
    address: socketAddress(path, 0),
    filterChains: [{ filters: [connectionManager(custom)] }],
  });
}

function providerOf({ kind, options = {}, isDead }: AskedProvider): AuthorizationProvider {
  const server = { hostname: "asked.example", cluster: isDead ? `dead-${kind}` : kind };
  const settings = { service: "asked.example", port: 9000, ...options };
  return { kind, settings, server } as AuthorizationProvider;
}

/** A request of whom the provider says who it is has another route than the server. */
function connectionManager(filters: readonly TypedFilter[]): TypedFilter {
  const prefix = { case: "prefix", value: "/" } as const;
  const present = { case: "presentMatch", value: true } as const;
  const routes = [
    {
      match: { pathSpecifier: prefix, headers: [{ name: "x-user", headerMatchSpecifier: present }] },
      action: { case: "directResponse", value: { status: 202 } } as const,
    },
    {
      match: { pathSpecifier: prefix },
      action: {
        case: "route",
        value: { clusterSpecifier: { case: "cluster", value: "server" } },
      } as const,
    },
  ];
  return typedFilter("envoy.filters.network.http_connection_manager", HttpConnectionManagerSchema, {
    statPrefix: "asking",
    httpFilters: [...filters, typedFilter("envoy.filters.http.router", RouterSchema, {})],
    routeSpecifier: {
      case: "routeConfig",
      value: { virtualHosts: [{ name: "all", domains: ["*"], routes }] },
    },
  });
}

function send(socketPath: string, { path, body }: Parameters<Ask>[1]): Promise<Answer> {
  const headers = { "x-client": "here", "x-other": "there", authorization: "secret" };
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { socketPath, path, method: body === undefined ? "GET" : "POST", headers, agent: false },
      (response) => {
        response.resume();
        response.on("end", () => resolve({ status: response.statusCode, headers: response.headers }));
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

function startServer(t: TestContext, served: Told[]): Promise<number> {
  return listen(
    t,
    createServer((incoming, response) => {
      void readAll(incoming).then((body) => {
        served.push({ ...incoming.headers, ":path": incoming.url, ":body": body });
        response.end();
      });
    }),
  );
}

function startHttpProvider(t: TestContext, asked: Told[]): Promise<number> {
  return listen(
    t,
    createServer((incoming, response) => {
      void readAll(incoming).then((body) => {
        const { url = "" } = incoming;
        asked.push({ ...incoming.headers, ":path": url, ":body": body });
        if (url.endsWith("/hang")) return;
        const isAllowed = url.endsWith("/allow");
        response.writeHead(isAllowed ? 200 : 401, {
          "x-user": "ann",
          "x-reply": isAllowed ? "allow" : "deny",
        });
        response.end();
      });
    }),
  );
}

async function readAll(stream: AsyncIterable<unknown>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

async function listen(t: TestContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function startGrpcProvider(t: TestContext, asked: Told[]): Promise<number> {
  const server = new grpcJs.Server();
  const identity = (bytes: Buffer) => bytes;
  const serializers = { requestSerialize: identity, requestDeserialize: identity };
  const method = {
    path: "/envoy.service.auth.v3.Authorization/Check",
    requestStream: false,
    responseStream: false,
    ...serializers,
    ...{ responseSerialize: identity, responseDeserialize: identity },
  };
  server.addService(
    { check: method },
    {
      check: (call: grpcJs.ServerUnaryCall<Buffer, Buffer>, answer: grpcJs.sendUnaryData<Buffer>) => {
        const reply = checked(call.request, asked);
        if (reply !== undefined) answer(null, Buffer.from(reply));
      },
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

const UNAUTHENTICATED = 16;

/** Undefined: no answer. */
function checked(bytes: Uint8Array, asked: Told[]): Uint8Array | undefined {
  const http = fromBinary(CheckRequestSchema, bytes).attributes?.request?.http;
  const raw = Buffer.from(http?.rawBody ?? []).toString();
  asked.push({ ...http?.headers, ":path": http?.path, ":body": http?.body ?? "", ":raw-body": raw });
  if (http?.path === "/hang") return undefined;
  const isAllowed = http?.path === "/allow";
  const header = (key: string, value: string) => ({ header: { key, value } });
  const reply = isAllowed
    ? create(CheckResponseSchema, {
        status: { code: 0 },
        httpResponse: { case: "okResponse", value: { headers: [header("x-user", "ann")] } },
      })
    : create(CheckResponseSchema, {
        status: { code: UNAUTHENTICATED },
        httpResponse: {
          case: "deniedResponse",
          value: { status: { code: 401 }, headers: [header("x-reply", "deny")] },
        },
      });
  return toBinary(CheckResponseSchema, reply);
}
