// `envoy.service.secret.v3.SecretDiscoveryService` for one pod's Envoy, state-of-the-world and delta: secrets go out as
// they are made, and again when they change. Its socket hands out private keys, so only the proxy's user may open it.

import type { Logger } from "../core/logger.ts";
import type { BidiCall, BidiReceiver, GrpcMethod } from "../grpc/method.ts";
import { decodeRequest as decodeOrRefuse } from "../grpc/method.ts";
import { GrpcError } from "../grpc/status.ts";
import {
  decodeDeltaRequest,
  decodeRequest,
  encodeDeltaResponse,
  encodeResponse,
  type NamedResource,
} from "./discovery-message.ts";
import { createSdsSubscriptions } from "./sds-stream.ts";
import type { EncodedSecret, SecretSource } from "./secret-source.ts";

const SERVICE = "/envoy.service.secret.v3.SecretDiscoveryService";
const SECRET_TYPE_URL = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";

/** To be listened with on a GrpcServer. */
export function createSdsMethods(source: SecretSource, log: Logger): readonly GrpcMethod[] {
  return [
    { kind: "bidi", path: `${SERVICE}/DeltaSecrets`, open: (call) => openDelta(call, source, log) },
    {
      kind: "bidi",
      path: `${SERVICE}/StreamSecrets`,
      open: (call) => openStateOfTheWorld(call, source, log),
    },
  ];
}

function openDelta(call: BidiCall, source: SecretSource, log: Logger): BidiReceiver {
  let nonce = 0;
  const subscriptions = createSdsSubscriptions(source, ({ secrets, unknownNames }) => {
    if (unknownNames.length > 0) log.warn({ names: unknownNames }, "secrets asked for that don't exist");
    const resources = secrets.map(resourceOf);
    const common = { typeUrl: SECRET_TYPE_URL, nonce: String(++nonce), resources };
    return call.write([encodeDeltaResponse({ ...common, removedNames: unknownNames })]);
  });
  return {
    message(bytes) {
      const request = decodeOrRefuse(bytes, decodeDeltaRequest);
      logRejection(log, request.rejection);
      subscriptions.unsubscribe(request.unsubscribe);
      refuseTooManyNames(subscriptions.names.length + request.subscribe.length);
      subscriptions.subscribe(request.subscribe, request.knownVersions);
    },
    drained: () => subscriptions.resume(),
    closed: () => subscriptions.close(),
  };
}

function openStateOfTheWorld(call: BidiCall, source: SecretSource, log: Logger): BidiReceiver {
  let nonce = 0;
  const subscriptions = createSdsSubscriptions(source, ({ unknownNames }) => {
    if (unknownNames.length > 0) log.warn({ names: unknownNames }, "secrets asked for that don't exist");
    const secrets = subscriptions.current();
    // This form of the protocol can't say that there is none: an empty response leaves Envoy waiting as silence does.
    if (secrets.length === 0) return true;
    const resources = secrets.map(resourceOf);
    return call.write([encodeResponse({ typeUrl: SECRET_TYPE_URL, nonce: String(++nonce), resources })]);
  });
  return {
    message(bytes) {
      const request = decodeOrRefuse(bytes, decodeRequest);
      logRejection(log, request.rejection);
      // An acknowledgement repeats the names; one of an older response may still lack names asked for since.
      if (request.nonce !== "" && request.nonce !== String(nonce)) return;
      refuseTooManyNames(request.subscribe.length);
      const gone = subscriptions.names.filter((name) => !request.subscribe.includes(name));
      subscriptions.unsubscribe(gone);
      subscriptions.subscribe(request.subscribe);
    },
    drained: () => subscriptions.resume(),
    closed: () => subscriptions.close(),
  };
}

/** A proxy has a few certificates; a name is kept for as long as the stream lives, and perhaps a file watched. */
const MAX_NAMES = 1_000;

function refuseTooManyNames(count: number): void {
  if (count <= MAX_NAMES) return;
  const message = `Cannot hold ${count} names of secrets on one stream: the limit is ${MAX_NAMES}`;
  throw new GrpcError("RESOURCE_EXHAUSTED", message);
}

function resourceOf({ name, version, bytes }: EncodedSecret): NamedResource {
  return { name, version, body: bytes.reveal() };
}

function logRejection(log: Logger, reason: string | undefined): void {
  if (reason !== undefined) log.warn({ reason }, "secret rejected by Envoy");
}
