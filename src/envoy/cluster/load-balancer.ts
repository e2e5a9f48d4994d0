// How an endpoint is picked.

import { Cluster_LbPolicy } from "../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import { claims } from "../../kinds/claims.ts";
import { destinationRuleKind } from "../../kinds/destination-rule/destination-rule.ts";
import type { ConsistentHash, SimpleLoadBalancer } from "../../kinds/destination-rule/load-balancer.ts";
import type { OutboundClusterInputs } from "../../view/cluster-inputs.ts";
import { durationMessage } from "../duration-message.ts";
import type { ClusterDraft, ClusterFeature } from "./cluster-feature.ts";

const MINIMUM_RING_SIZE = 1024n;

export const loadBalancerFeature: ClusterFeature = {
  fields: claims(destinationRuleKind, "spec.trafficPolicy.loadBalancer", [
    "simple",
    "consistentHash.ringHash.minimumRingSize",
    "consistentHash.maglev.tableSize",
    "consistentHash.minimumRingSize",
    "warmup.duration",
    "warmup.minimumPercent",
    "warmup.aggression",
    "warmupDurationSecs",
  ]),
  apply({ policy, discovery, isLocalityWeighted }, draft) {
    // A cluster that forwards to the connection's own destination has nothing to balance.
    if (discovery.kind === "original-destination") {
      draft.cluster.lbPolicy = Cluster_LbPolicy.CLUSTER_PROVIDED;
      return;
    }
    const { consistentHash, simple } = policy.loadBalancer ?? {};
    if (consistentHash === undefined) applySimple(simple ?? "UNSPECIFIED", policy, draft);
    else applyConsistentHash(consistentHash, draft);
    if (isLocalityWeighted) {
      draft.balancing.localityConfigSpecifier = { case: "localityWeightedLbConfig", value: {} };
    }
  },
};

function applySimple(
  simple: SimpleLoadBalancer,
  policy: OutboundClusterInputs["policy"],
  draft: ClusterDraft,
): void {
  const { cluster } = draft;
  switch (simple) {
    case "RANDOM":
      cluster.lbPolicy = Cluster_LbPolicy.RANDOM;
      return;
    case "ROUND_ROBIN":
      cluster.lbPolicy = Cluster_LbPolicy.ROUND_ROBIN;
      cluster.lbConfig = { case: "roundRobinLbConfig", value: slowStart(policy) };
      return;
    default:
      cluster.lbPolicy = Cluster_LbPolicy.LEAST_REQUEST;
      cluster.lbConfig = { case: "leastRequestLbConfig", value: slowStart(policy) };
  }
}

/** A new endpoint's share of requests grows over the warm-up's duration. */
function slowStart({ loadBalancer }: OutboundClusterInputs["policy"]) {
  const warmup = loadBalancer?.warmup;
  const duration = warmup?.duration ?? loadBalancer?.warmupDurationSecs;
  if (duration === undefined) return {};
  return {
    slowStartConfig: {
      slowStartWindow: durationMessage(duration),
      ...(warmup?.aggression === undefined
        ? {}
        : { aggression: { defaultValue: warmup.aggression, runtimeKey: "upstream.slow_start.aggression" } }),
      ...(warmup?.minimumPercent === undefined ? {} : { minWeightPercent: { value: warmup.minimumPercent } }),
    },
  };
}

function applyConsistentHash(hash: ConsistentHash, { cluster }: ClusterDraft): void {
  if (hash.maglev !== undefined) {
    cluster.lbPolicy = Cluster_LbPolicy.MAGLEV;
    if (hash.maglev.tableSize !== undefined) {
      cluster.lbConfig = { case: "maglevLbConfig", value: { tableSize: BigInt(hash.maglev.tableSize) } };
    }
    return;
  }
  const size = hash.ringHash?.minimumRingSize ?? hash.minimumRingSize;
  const minimumRingSize = size === undefined ? MINIMUM_RING_SIZE : BigInt(size);
  cluster.lbPolicy = Cluster_LbPolicy.RING_HASH;
  cluster.lbConfig = { case: "ringHashLbConfig", value: { minimumRingSize } };
}
