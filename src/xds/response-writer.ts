// Assembles DiscoveryResponse and DeltaDiscoveryResponse from resources that are encoded already. The entry of a resource
// is made once and shared by every stream that sends it.

import type { Resource } from "./resource.ts";
import { byteLengthOf, lengthHeader, stringField } from "./wire-writer.ts";

export interface DeltaResponse {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly resources: readonly DeltaEntry[];
  readonly removed: readonly string[];
  readonly controlPlane?: string | undefined;
}

export interface DeltaEntry {
  readonly name: string;
  /** Absent: a resource without a body, by which VHDS says that there is none. */
  readonly resource: Resource | undefined;
  readonly aliases?: readonly string[];
  /** Of the message, where it isn't the response's. */
  readonly typeUrl?: string;
}

export interface StateOfTheWorldResponse {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly version: string;
  readonly resources: Iterable<WorldEntry>;
  readonly controlPlane?: string | undefined;
}

export interface WorldEntry {
  readonly body: readonly Uint8Array[];
  /** Of the message, where it isn't the response's. */
  readonly typeUrl?: string;
}

export interface ResponseWriter {
  /** The fragments of an encoded DeltaDiscoveryResponse. */
  writeDelta(response: DeltaResponse): Uint8Array[];
  /** The fragments of an encoded DiscoveryResponse. */
  writeStateOfTheWorld(response: StateOfTheWorldResponse): Uint8Array[];
}

// Field numbers of envoy/service/discovery/v3/discovery.proto and google/protobuf/any.proto.
const delta = { resources: 2, typeUrl: 4, nonce: 5, removedResources: 6, controlPlane: 7 } as const;
const entry = { version: 1, resource: 2, name: 3, aliases: 4 } as const;
const world = { version: 1, resources: 2, typeUrl: 4, nonce: 5, controlPlane: 6 } as const;
const controlPlaneIdentifier = 1;
const any = { typeUrl: 1, value: 2 } as const;

// Below this a resource is copied once into its entry, so that it leaves as one piece; above, its fragments are shared.
const JOIN_BELOW_BYTES = 16 * 1024;

export function createResponseWriter(): ResponseWriter {
  const deltaEntries = new WeakMap<Resource, readonly Uint8Array[]>();
  const worldEntries = new WeakMap<object, readonly Uint8Array[]>();

  function deltaEntry(typeUrl: string, item: DeltaEntry): readonly Uint8Array[] {
    const { resource, aliases = [] } = item;
    if (resource === undefined || aliases.length > 0) return encodeDeltaEntry(typeUrl, item);
    const cached = deltaEntries.get(resource);
    if (cached !== undefined) return cached;
    const encoded = encodeDeltaEntry(typeUrl, item);
    deltaEntries.set(resource, encoded);
    return encoded;
  }

  function worldEntry(typeUrl: string, resource: WorldEntry) {
    const cached =
      worldEntries.get(resource) ?? joinSmall(encodeAny(world.resources, typeUrl, resource.body));
    worldEntries.set(resource, cached);
    return cached;
  }

  return {
    writeDelta({ typeUrl, nonce, resources, removed, controlPlane }) {
      const fragments: Uint8Array[] = [stringField(delta.typeUrl, typeUrl), stringField(delta.nonce, nonce)];
      fragments.push(...controlPlaneField(delta.controlPlane, controlPlane));
      for (const item of resources) {
        for (const fragment of deltaEntry(item.typeUrl ?? typeUrl, item)) fragments.push(fragment);
      }
      for (const name of removed) fragments.push(stringField(delta.removedResources, name));
      return fragments;
    },
    writeStateOfTheWorld({ typeUrl, nonce, version, resources, controlPlane }) {
      const fragments: Uint8Array[] = [
        stringField(world.version, version),
        stringField(world.typeUrl, typeUrl),
        stringField(world.nonce, nonce),
        ...controlPlaneField(world.controlPlane, controlPlane),
      ];
      for (const resource of resources) {
        fragments.push(...worldEntry(resource.typeUrl ?? typeUrl, resource));
      }
      return fragments;
    },
  };
}

function controlPlaneField(number: number, identifier: string | undefined): readonly Uint8Array[] {
  if (identifier === undefined) return [];
  const field = stringField(controlPlaneIdentifier, identifier);
  return [lengthHeader(number, field.length), field];
}

function encodeDeltaEntry(
  typeUrl: string,
  { name, resource, aliases = [] }: DeltaEntry,
): readonly Uint8Array[] {
  const fields: Uint8Array[] = [stringField(entry.name, name)];
  for (const alias of aliases) fields.push(stringField(entry.aliases, alias));
  if (resource !== undefined) {
    fields.push(stringField(entry.version, resource.version));
    fields.push(...encodeAny(entry.resource, typeUrl, resource.body));
  }
  return joinSmall([lengthHeader(delta.resources, byteLengthOf(fields)), ...fields]);
}

/** A field that holds an Any. */
function encodeAny(number: number, typeUrl: string, body: readonly Uint8Array[]): readonly Uint8Array[] {
  const url = stringField(any.typeUrl, typeUrl);
  const valueHeader = lengthHeader(any.value, byteLengthOf(body));
  const bytes = url.length + valueHeader.length + byteLengthOf(body);
  return [lengthHeader(number, bytes), url, valueHeader, ...body];
}

function joinSmall(fragments: readonly Uint8Array[]): readonly Uint8Array[] {
  return byteLengthOf(fragments) < JOIN_BELOW_BYTES ? [Buffer.concat(fragments)] : fragments;
}
