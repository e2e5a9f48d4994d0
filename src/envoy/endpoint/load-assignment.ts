// A cluster's endpoints, grouped by priority and locality in a fixed order.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { HealthStatus } from "../../gen/envoy/config/core/v3/health_check_pb.ts";
import type {
  LbEndpointSchema,
  LocalityLbEndpointsSchema,
} from "../../gen/envoy/config/endpoint/v3/endpoint_components_pb.ts";
import type { ClusterLoadAssignmentSchema } from "../../gen/envoy/config/endpoint/v3/endpoint_pb.ts";
import type { ClusterEndpoint, EndpointInputs } from "../../view/cluster-inputs.ts";
import { bothAddresses } from "../address.ts";

const MAX_WEIGHT_SUM = 2 ** 32 - 1;

/** Endpoints keep the order that they are given in, so equal inputs make equal bytes. */
export function buildLoadAssignment({
  clusterName,
  endpoints,
  localityWeights,
}: EndpointInputs): MessageInitShape<typeof ClusterLoadAssignmentSchema> {
  const groups = new Map<string, EndpointGroup>();
  for (const endpoint of endpoints) {
    const { locality, priority = 0 } = endpoint;
    const key = `${priority} ${locality}`;
    const group = groups.get(key) ?? { locality, priority, members: [] };
    groups.set(key, group);
    group.members.push(endpoint);
  }
  return {
    clusterName,
    endpoints: [...groups.values()]
      .sort((a, b) => a.priority - b.priority || (a.locality < b.locality ? -1 : 1))
      .map((group) => localityEndpoints(group, localityWeights?.[group.locality])),
  };
}

interface EndpointGroup {
  readonly locality: string;
  readonly priority: number;
  readonly members: ClusterEndpoint[];
}

function localityEndpoints(
  { locality, priority, members }: EndpointGroup,
  ownWeight: number | undefined,
): MessageInitShape<typeof LocalityLbEndpointsSchema> {
  const [region = "", zone = "", subZone = ""] = locality.split("/");
  const weights = loadBalancingWeights(members);
  return {
    locality: { region, zone, subZone },
    lbEndpoints: members.map((member, at) => lbEndpoint(member, weights[at] ?? 1)),
    loadBalancingWeight: ownWeight ?? weights.reduce((sum, weight) => sum + weight, 0),
    ...(priority === 0 ? {} : { priority }),
  };
}

/** Envoy takes no weight of 0, and no sum above 32 bits: there, all are made smaller alike. */
export function loadBalancingWeights(endpoints: readonly { readonly weight: number }[]): readonly number[] {
  const weights = endpoints.map(({ weight }) => Math.max(1, weight));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  if (sum <= MAX_WEIGHT_SUM) return weights;
  return weights.map((weight) => Math.max(1, Math.floor((weight / sum) * (MAX_WEIGHT_SUM - weights.length))));
}

function lbEndpoint(endpoint: ClusterEndpoint, weight: number): MessageInitShape<typeof LbEndpointSchema> {
  const { description, address, additionalAddress, port } = endpoint;
  return {
    hostIdentifier: { case: "endpoint", value: bothAddresses([address, additionalAddress], port) },
    healthStatus: healthStatus(endpoint),
    loadBalancingWeight: weight,
    metadata: {
      filterMetadata: {
        ...(endpoint.isMutualTls ? { "envoy.transport_socket_match": { tlsMode: "istio" } } : {}),
        ...(description === "" ? {} : { istio: { workload: description } }),
      },
    },
  };
}

function healthStatus({ isHealthy, isDraining }: ClusterEndpoint): HealthStatus {
  if (isDraining) return HealthStatus.DRAINING;
  return isHealthy ? HealthStatus.HEALTHY : HealthStatus.UNHEALTHY;
}
