// The model: every table that views are made of, declared in order on one graph.

import type { TlsCompliance } from "../core/tls-compliance.ts";
import type { Graph } from "../graph/graph.ts";
import type { Table } from "../graph/table.ts";
import type { Index } from "../graph/table-index.ts";
import type { Gateway } from "../kinds/gateway/gateway.ts";
import type { Topology } from "../kinds/mesh-config/proxy-config.ts";
import type { Secret } from "../kinds/secret.ts";
import type { WorkloadGroup } from "../kinds/workload-group.ts";
import { type AccessLogging, declareAccessLogging } from "./access-logs.ts";
import { type AddressClaims, declareAddressClaims } from "./address-claims.ts";
import { type ClientSelectors, declareClientSelectors } from "./client-selectors.ts";
import { type ClosingPolicies, declareClosingPolicies } from "./closing-policies.ts";
import { declareHostRules, type HostRules } from "./destination-rules.ts";
import { declareEndpoints, declareServiceIdentities, type ServiceEndpoint } from "./endpoints.ts";
import { declareEnforcedPolicies, type EnforcedPolicyTables } from "./enforced-policies.ts";
import { declareGatewayTopologies } from "./gateway-topologies.ts";
import { declareHostClaims, type HostClaims } from "./host-owner.ts";
import { declareHostRoutes, type HostRoutesTable } from "./host-routes.ts";
import { declareMeshSettings, type MeshSettings } from "./mesh-settings.ts";
import { declarePeerAuthentications, type PeerAuthentications } from "./mutual-tls-modes.ts";
import { declareRequestAuthentications, type RequestAuthentications } from "./request-authentications.ts";
import { declareSecretReaders, type SecretReaders } from "./secret-readers.ts";
import type { MeshService } from "./service.ts";
import { declareServices } from "./services.ts";
import type { Sources } from "./sources.ts";
import { declareTelemetries, type Telemetries } from "./telemetries.ts";
import { declareTracing, type TracingModel } from "./tracing.ts";
import { declareServicesByAddress } from "./workload-ports.ts";
import { declareWorkloads, type Workloads } from "./workloads.ts";

export interface Model {
  readonly settings: Table<MeshSettings>;
  readonly workloads: Workloads;
  readonly services: Table<MeshService>;
  /** Each ServiceEntry's alone, by the key of the service that they make together. */
  readonly entriesByHost: Index<MeshService>;
  readonly servicesByNamespace: Index<MeshService>;
  /** Those without a selector, by the addresses of their endpoints; rows have the service's key. */
  readonly servicesByAddress: Index<readonly string[]>;
  readonly hostClaims: HostClaims;
  readonly addressClaims: AddressClaims;
  readonly endpoints: Table<readonly ServiceEndpoint[]>;
  /** By which servers of a service are known. */
  readonly identities: Table<readonly string[]>;
  readonly hostRules: HostRules;
  readonly hostRoutes: HostRoutesTable;
  readonly clientSelectors: ClientSelectors;
  readonly peerAuthentications: PeerAuthentications;
  readonly telemetries: Telemetries;
  readonly accessLogging: AccessLogging;
  readonly tracing: TracingModel;
  readonly enforcedPolicies: EnforcedPolicyTables;
  readonly requestAuthentications: RequestAuthentications;
  readonly closingPolicies: ClosingPolicies;
  readonly gateways: Table<Gateway>;
  /** Of pods that have another one than the mesh's, by `namespace/name`. */
  readonly gatewayTopologies: Table<Topology>;
  /** Of virtual machines, by `namespace/name`. */
  readonly workloadGroups: Table<WorkloadGroup>;
  readonly secrets: Table<Secret>;
  readonly secretReaders: SecretReaders;
}

export interface ModelOptions {
  /** Who may read Secrets as an API server says, where there is one; else RBAC's objects say it. */
  readonly reviewedReaders?: SecretReaders;
  readonly tlsCompliance?: TlsCompliance;
}

export function declareModel(
  graph: Graph,
  sources: Sources,
  { reviewedReaders, tlsCompliance }: ModelOptions = {},
): Model {
  const settings = declareMeshSettings(graph, sources, tlsCompliance);
  const workloads = declareWorkloads(graph, sources);
  const peerAuthentications = declarePeerAuthentications(graph, sources, settings);
  const telemetries = declareTelemetries(graph, sources, settings);
  const enforcedPolicies = declareEnforcedPolicies(graph, sources, settings);
  const { table: services, entriesByHost } = declareServices(graph, sources, settings);
  const endpoints = declareEndpoints(graph, sources, { services, workloads, settings, peerAuthentications });
  const hostRules = declareHostRules(graph, sources, settings);
  const hostRoutes = declareHostRoutes(graph, sources, settings);
  const hostClaims = declareHostClaims(graph, services);
  return {
    settings,
    workloads,
    services,
    entriesByHost,
    servicesByNamespace: graph.index(services, "services by namespace", ({ namespace }) => [namespace]),
    servicesByAddress: declareServicesByAddress(graph, services, endpoints),
    hostClaims,
    addressClaims: declareAddressClaims(graph, services, endpoints),
    endpoints,
    identities: declareServiceIdentities(graph, endpoints, services),
    hostRules,
    hostRoutes,
    clientSelectors: declareClientSelectors(graph, {
      hostRules: hostRules.table,
      hostRoutes: hostRoutes.table,
    }),
    peerAuthentications,
    telemetries,
    accessLogging: declareAccessLogging(graph, { telemetries, settings, hostClaims, services }),
    tracing: declareTracing(graph, { telemetries, settings, hostClaims, services }),
    enforcedPolicies,
    requestAuthentications: declareRequestAuthentications(graph, enforcedPolicies.RequestAuthentication),
    closingPolicies: declareClosingPolicies(graph, sources, settings),
    gateways: sources.Gateway,
    gatewayTopologies: declareGatewayTopologies(graph, sources, settings),
    workloadGroups: sources.WorkloadGroup,
    secrets: sources.Secret,
    secretReaders: reviewedReaders ?? declareSecretReaders(graph, sources, workloads),
  };
}
