// An ADS client for tests on grpc-js and a protobuf library, so that nothing of ours is on both ends of the wire.

import type { TestContext } from "node:test";
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { ClientDuplexStream, StatusObject } from "@grpc/grpc-js";
import grpcJs from "@grpc/grpc-js";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from "../../src/gen/envoy/service/discovery/v3/discovery_pb.ts";

const SERVICE = "/envoy.service.discovery.v3.AggregatedDiscoveryService";

export interface AdsClient<Request, Response> {
  send(request: Request): void;
  /** The next response in order. */
  next(): Promise<Response>;
  /** Whether nothing has come that `next` didn't return yet. */
  isQuiet(): boolean;
  readonly status: Promise<StatusObject>;
  /** The stream ends as that of a client that died. */
  close(): void;
}

export type DeltaRequest = MessageInitShape<typeof DeltaDiscoveryRequestSchema>;

/** As `openStateOfTheWorld`. */
export function openDelta(t: TestContext, port: number, credentials: TokenCredentials = {}) {
  const path = `${SERVICE}/DeltaAggregatedResources`;
  const messages = { request: DeltaDiscoveryRequestSchema, response: DeltaDiscoveryResponseSchema };
  return open(t, port, { path, ...messages, ...credentials });
}

/** With a token it speaks TLS and takes whatever certificate the server has, as istioctl does. */
export function openStateOfTheWorld(t: TestContext, port: number, credentials: TokenCredentials = {}) {
  const path = `${SERVICE}/StreamAggregatedResources`;
  const messages = { request: DiscoveryRequestSchema, response: DiscoveryResponseSchema };
  return open(t, port, { path, ...messages, ...credentials });
}

export interface TokenCredentials {
  readonly token?: string;
  /** The token goes over plaintext, to a test's own server. */
  readonly isPlaintext?: boolean;
}

interface Method<Request extends DescMessage, Response extends DescMessage> extends TokenCredentials {
  readonly path: string;
  readonly request: Request;
  readonly response: Response;
}

function open<Request extends DescMessage, Response extends DescMessage>(
  t: TestContext,
  port: number,
  method: Method<Request, Response>,
): AdsClient<MessageInitShape<Request>, MessageShape<Response>> {
  const { token, isPlaintext = token === undefined } = method;
  const credentials = isPlaintext
    ? grpcJs.credentials.createInsecure()
    : grpcJs.credentials.createSsl(null, null, null, { rejectUnauthorized: false });
  const metadata = new grpcJs.Metadata();
  if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
  const client = new grpcJs.Client(`127.0.0.1:${port}`, credentials);
  t.after(() => client.close());
  const stream: ClientDuplexStream<
    MessageShape<Request>,
    MessageShape<Response>
  > = client.makeBidiStreamRequest(
    method.path,
    (message: MessageShape<Request>) => Buffer.from(toBinary(method.request, message)),
    (bytes: Buffer) => fromBinary(method.response, bytes),
    metadata,
  );
  const received: MessageShape<Response>[] = [];
  const waiting: ((response: MessageShape<Response>) => void)[] = [];
  stream.on("data", (response: MessageShape<Response>) => {
    const waiter = waiting.shift();
    if (waiter === undefined) received.push(response);
    else waiter(response);
  });
  stream.on("error", () => undefined);
  return {
    send: (request) => void stream.write(create(method.request, request)),
    next() {
      const first = received.shift();
      return first === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(first);
    },
    isQuiet: () => received.length === 0,
    status: new Promise((resolve) => stream.once("status", resolve)),
    close: () => stream.cancel(),
  };
}
