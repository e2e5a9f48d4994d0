// Requests as the streams use them, decoded from bytes that anyone may have sent: strictly, and within bounds.

import type { JsonObject } from "@bufbuild/protobuf";
import { fromBinary } from "@bufbuild/protobuf";
import type { Node } from "../gen/envoy/config/core/v3/base_pb.ts";
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
} from "../gen/envoy/service/discovery/v3/discovery_pb.ts";
import { decodeRequest } from "../grpc/method.ts";
import { GrpcError } from "../grpc/status.ts";
import type { XdsNode } from "./backend.ts";
import { readErrorDetail } from "./refused-names.ts";

interface RequestHead {
  readonly typeUrl: string;
  readonly node: XdsNode | undefined;
  readonly responseNonce: string;
  /** The client's reason for refusing the response with that nonce. */
  readonly errorDetail: string | undefined;
}

export interface DeltaRequest extends RequestHead {
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  readonly initialVersions: ReadonlyMap<string, string>;
}

export interface StateOfTheWorldRequest extends RequestHead {
  readonly names: readonly string[];
  readonly version: string;
}

// Istio's own names stay under 400; Envoy's resource names have no bound of their own.
const MAX_NAME_LENGTH = 2048;
const MAX_NAMES = 200_000;

/** Throws GrpcError INVALID_ARGUMENT for what isn't a request, RESOURCE_EXHAUSTED for more names than one may hold. */
export function decodeDeltaRequest(bytes: Uint8Array): DeltaRequest {
  const request = decodeRequest(bytes, (encoded) =>
    fromBinary(DeltaDiscoveryRequestSchema, encoded, { readUnknownFields: false }),
  );
  const versions = Object.entries(request.initialResourceVersions);
  refuseBadNames(request.resourceNamesSubscribe);
  refuseBadNames(request.resourceNamesUnsubscribe);
  refuseBadNames(versions.map(([name]) => name));
  return {
    ...readHead(request),
    subscribe: request.resourceNamesSubscribe,
    unsubscribe: request.resourceNamesUnsubscribe,
    initialVersions: new Map(versions),
  };
}

/** Throws GrpcError INVALID_ARGUMENT for what isn't a request, RESOURCE_EXHAUSTED for more names than one may hold. */
export function decodeStateOfTheWorldRequest(bytes: Uint8Array): StateOfTheWorldRequest {
  const request = decodeRequest(bytes, (encoded) =>
    fromBinary(DiscoveryRequestSchema, encoded, { readUnknownFields: false }),
  );
  refuseBadNames(request.resourceNames);
  return { ...readHead(request), names: request.resourceNames, version: request.versionInfo };
}

interface EncodedHead {
  readonly typeUrl: string;
  readonly node?: Node | undefined;
  readonly responseNonce: string;
  readonly errorDetail?: { readonly message: string } | undefined;
}

function readHead(request: EncodedHead): RequestHead {
  if (request.typeUrl === "")
    throw new GrpcError("INVALID_ARGUMENT", "A request on an ADS stream needs a type_url");
  if (request.typeUrl.length > MAX_NAME_LENGTH)
    throw new GrpcError("INVALID_ARGUMENT", "The type_url is too long");
  return {
    typeUrl: request.typeUrl,
    node: request.node === undefined ? undefined : readNode(request.node),
    responseNonce: request.responseNonce,
    errorDetail: request.errorDetail === undefined ? undefined : readErrorDetail(request.errorDetail.message),
  };
}

function refuseBadNames(names: readonly string[]): void {
  if (names.length > MAX_NAMES) {
    throw new GrpcError("RESOURCE_EXHAUSTED", `Cannot take ${names.length} names: the limit is ${MAX_NAMES}`);
  }
  for (const name of names) {
    if (name.length <= MAX_NAME_LENGTH) continue;
    throw new GrpcError(
      "INVALID_ARGUMENT",
      `Cannot take a name of ${name.length} characters: the limit is ${MAX_NAME_LENGTH}`,
    );
  }
}

function readNode(node: Node): XdsNode {
  const { region = "", zone = "", subZone = "" } = node.locality ?? {};
  const metadata: JsonObject = node.metadata ?? {};
  return {
    id: node.id,
    cluster: node.cluster,
    metadata,
    locality: { region, zone, subZone },
    userAgentName: node.userAgentName,
    userAgentVersion: readUserAgentVersion(node),
  };
}

function readUserAgentVersion({ userAgentVersionType }: Node): string {
  if (userAgentVersionType.case === "userAgentVersion") return userAgentVersionType.value;
  const version = userAgentVersionType.value?.version;
  return version === undefined ? "" : `${version.majorNumber}.${version.minorNumber}.${version.patch}`;
}
