// The discovery messages of SDS, in both forms of the protocol: envoy.service.discovery.v3.
// Field numbers are those of discovery.proto.

import { field, message, readFields, textOf, textsOf, type WireFields } from "./wire-message.ts";

export interface SecretsRequest {
  /** In the state-of-the-world form: all names that are wanted. */
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  readonly knownVersions: Readonly<Record<string, string>>;
  readonly nonce: string;
  /** Why the client refused the response of that nonce. */
  readonly rejection: string | undefined;
}

export interface NamedResource {
  readonly name: string;
  readonly version: string;
  readonly body: Uint8Array;
}

/** DeltaDiscoveryRequest; throws on what isn't one. */
export function decodeDeltaRequest(bytes: Uint8Array): SecretsRequest {
  const fields = readFields(bytes);
  const versions = (fields.get(5) ?? []).map((entry) => readFields(entry));
  return {
    subscribe: textsOf(fields, 3),
    unsubscribe: textsOf(fields, 4),
    knownVersions: Object.fromEntries(versions.map((entry) => [textOf(entry, 1), textOf(entry, 2)])),
    nonce: textOf(fields, 6),
    rejection: rejectionOf(fields, 7),
  };
}

/** DiscoveryRequest; throws on what isn't one. */
export function decodeRequest(bytes: Uint8Array): SecretsRequest {
  const fields = readFields(bytes);
  return {
    subscribe: textsOf(fields, 3),
    unsubscribe: [],
    knownVersions: {},
    nonce: textOf(fields, 5),
    rejection: rejectionOf(fields, 6),
  };
}

function rejectionOf(fields: WireFields, number: number): string | undefined {
  const status = fields.get(number)?.at(-1);
  return status === undefined ? undefined : textOf(readFields(status), 2);
}

export interface SecretsResponse {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly resources: readonly NamedResource[];
}

/** DeltaDiscoveryResponse. */
export function encodeDeltaResponse(
  response: SecretsResponse & { readonly removedNames: readonly string[] },
): Uint8Array {
  const { typeUrl, nonce, resources, removedNames } = response;
  return message(
    ...resources.map(({ name, version, body }) =>
      field(2, message(field(1, version), field(2, anyOf(typeUrl, body)), field(3, name))),
    ),
    field(4, typeUrl),
    field(5, nonce),
    ...removedNames.map((name) => field(6, name)),
  );
}

/** DiscoveryResponse. */
export function encodeResponse({ typeUrl, nonce, resources }: SecretsResponse): Uint8Array {
  return message(
    field(1, resources.map(({ version }) => version).join(".")),
    ...resources.map(({ body }) => field(2, anyOf(typeUrl, body))),
    field(4, typeUrl),
    field(5, nonce),
  );
}

function anyOf(typeUrl: string, body: Uint8Array): Uint8Array {
  return message(field(1, typeUrl), field(2, body));
}
