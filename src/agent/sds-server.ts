// `envoy.service.secret.v3.SecretDiscoveryService` for one pod's Envoy, state-of-the-world and delta: secrets go out as
// they are made, and again when they change. Its socket hands out private keys, so only the proxy's user may open it.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { AnySchema } from "@bufbuild/protobuf/wkt";
import type { Logger } from "../core/logger.ts";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from "../gen/envoy/service/discovery/v3/discovery_pb.ts";
import type { BidiCall, BidiReceiver, GrpcMethod } from "../grpc/method.ts";
import { decodeRequest } from "../grpc/method.ts";
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
    if (unknownNames.length > 0) log.warn({ names: unknownNames }, "unknown secrets asked for");
    const response = create(DeltaDiscoveryResponseSchema, {
      nonce: String(++nonce),
      typeUrl: SECRET_TYPE_URL,
      resources: secrets.map((secret) => ({
        name: secret.name,
        version: secret.version,
        resource: anyOf(secret),
      })),
      removedResources: [...unknownNames],
    });
    return call.write([toBinary(DeltaDiscoveryResponseSchema, response)]);
  });
  return {
    message(bytes) {
      const request = decodeRequest(bytes, (body) => fromBinary(DeltaDiscoveryRequestSchema, body));
      logRejection(log, request.errorDetail?.message);
      subscriptions.unsubscribe(request.resourceNamesUnsubscribe);
      subscriptions.subscribe(request.resourceNamesSubscribe, request.initialResourceVersions);
    },
    drained: () => subscriptions.resume(),
    closed: () => subscriptions.close(),
  };
}

function openStateOfTheWorld(call: BidiCall, source: SecretSource, log: Logger): BidiReceiver {
  let nonce = 0;
  const subscriptions = createSdsSubscriptions(source, ({ unknownNames }) => {
    if (unknownNames.length > 0) log.warn({ names: unknownNames }, "unknown secrets asked for");
    const secrets = subscriptions.current();
    // This form of the protocol can't say that a secret will never be: silence is all there is.
    if (secrets.length === 0) return true;
    const response = create(DiscoveryResponseSchema, {
      nonce: String(++nonce),
      typeUrl: SECRET_TYPE_URL,
      versionInfo: secrets.map((secret) => secret.version).join("."),
      resources: secrets.map(anyOf),
    });
    return call.write([toBinary(DiscoveryResponseSchema, response)]);
  });
  return {
    message(bytes) {
      const request = decodeRequest(bytes, (body) => fromBinary(DiscoveryRequestSchema, body));
      logRejection(log, request.errorDetail?.message);
      // An acknowledgement repeats the names; one of an older response may still lack names asked for since.
      if (request.responseNonce !== "" && request.responseNonce !== String(nonce)) return;
      const gone = subscriptions.names.filter((name) => !request.resourceNames.includes(name));
      subscriptions.unsubscribe(gone);
      subscriptions.subscribe(request.resourceNames);
    },
    drained: () => subscriptions.resume(),
    closed: () => subscriptions.close(),
  };
}

function anyOf(secret: EncodedSecret): MessageInitShape<typeof AnySchema> {
  return { typeUrl: SECRET_TYPE_URL, value: secret.bytes.reveal() };
}

function logRejection(log: Logger, reason: string | undefined): void {
  if (reason !== undefined) log.warn({ reason }, "secret rejected by Envoy");
}
