// What the control plane gave a proxy, in the sections of Envoy's own config dump, so that both can be compared.
// It never holds a private key.

import { create, type DescMessage, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { type Any, anyPack } from "@bufbuild/protobuf/wkt";
import { encode } from "../envoy/encode.ts";
import { SecretsConfigDumpSchema } from "../gen/envoy/admin/v3/config_dump_pb.ts";
import {
  ClustersConfigDumpSchema,
  EcdsConfigDumpSchema,
  EndpointsConfigDumpSchema,
  ListenersConfigDumpSchema,
  RoutesConfigDumpSchema,
} from "../gen/envoy/admin/v3/config_dump_shared_pb.ts";
import { SecretSchema } from "../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts";
import type { Resource } from "../xds/resource.ts";
import { type ResourceType, typeUrlOf } from "../xds/resource-type.ts";

export type ResourcesByType = (type: ResourceType) => readonly Resource[];

/** Endpoints come last, and only if asked for: of a large mesh they are most of it. */
export function buildConfigDump(
  resourcesOf: ResourcesByType,
  { hasEndpoints }: { readonly hasEndpoints: boolean },
): readonly Any[] {
  const sections = [
    clustersSection(resourcesOf("cluster")),
    listenersSection(resourcesOf("listener")),
    routesSection(resourcesOf("route")),
    secretsSection(resourcesOf("secret")),
    extensionConfigsSection(resourcesOf("extension-config")),
  ];
  return hasEndpoints ? [...sections, endpointsSection(resourcesOf("endpoint"))] : sections;
}

function clustersSection(resources: readonly Resource[]): Any {
  return section(ClustersConfigDumpSchema, {
    dynamicActiveClusters: resources.map((resource) => ({
      versionInfo: resource.version,
      cluster: messageOf("cluster", resource),
    })),
  });
}

function listenersSection(resources: readonly Resource[]): Any {
  return section(ListenersConfigDumpSchema, {
    dynamicListeners: resources.map((resource) => ({
      name: resource.name,
      activeState: { versionInfo: resource.version, listener: messageOf("listener", resource) },
    })),
  });
}

function routesSection(resources: readonly Resource[]): Any {
  return section(RoutesConfigDumpSchema, {
    dynamicRouteConfigs: resources.map((resource) => ({
      versionInfo: resource.version,
      routeConfig: messageOf("route", resource),
    })),
  });
}

function extensionConfigsSection(resources: readonly Resource[]): Any {
  return section(EcdsConfigDumpSchema, {
    ecdsFilters: resources.map((resource) => ({
      versionInfo: resource.version,
      ecdsFilter: messageOf("extension-config", resource),
    })),
  });
}

function endpointsSection(resources: readonly Resource[]): Any {
  return section(EndpointsConfigDumpSchema, {
    dynamicEndpointConfigs: resources.map((resource) => ({
      versionInfo: resource.version,
      endpointConfig: messageOf("endpoint", resource),
    })),
  });
}

function secretsSection(resources: readonly Resource[]): Any {
  return section(SecretsConfigDumpSchema, {
    dynamicActiveSecrets: resources.map(({ name, version, body }) => ({
      name,
      versionInfo: version,
      secret: { typeUrl: typeUrlOf("secret"), value: withoutPrivateParts(Buffer.concat(body)) },
    })),
  });
}

function section<Schema extends DescMessage>(schema: Schema, message: MessageInitShape<Schema>): Any {
  return anyPack(schema, create(schema, message));
}

function messageOf(type: ResourceType, { body }: Resource) {
  return { typeUrl: typeUrlOf(type), value: Buffer.concat(body) };
}

// As Envoy writes it in its own dump.
const REDACTED = { specifier: { case: "inlineBytes" as const, value: Buffer.from("[redacted]") } };

/** Only what is known to be public is kept: a kind of secret that is new here shows its name alone. */
function withoutPrivateParts(bytes: Uint8Array): Uint8Array {
  const { name, type } = fromBinary(SecretSchema, bytes);
  switch (type.case) {
    case "validationContext":
      return encode(SecretSchema, { name, type }).bytes;
    case "tlsCertificate": {
      const { certificateChain } = type.value;
      const value = { ...(certificateChain && { certificateChain }), privateKey: REDACTED };
      return encode(SecretSchema, create(SecretSchema, { name, type: { case: "tlsCertificate", value } }))
        .bytes;
    }
    default:
      return encode(SecretSchema, { name }).bytes;
  }
}
