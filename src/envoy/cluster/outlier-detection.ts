// Endpoints that fail are taken out of the load-balancing pool for a while.

import { claims } from "../../kinds/claims.ts";
import type { OutlierDetection } from "../../kinds/destination-rule/connection-pool.ts";
import { destinationRuleKind } from "../../kinds/destination-rule/destination-rule.ts";
import { durationMessage } from "../duration-message.ts";
import type { ClusterFeature } from "./cluster-feature.ts";

export const outlierDetectionFeature: ClusterFeature = {
  fields: claims(destinationRuleKind, "spec.trafficPolicy.outlierDetection", [
    "splitExternalLocalOriginErrors",
    "consecutiveErrors",
    "consecutiveLocalOriginFailures",
    "consecutiveGatewayErrors",
    "consecutive5xxErrors",
    "interval",
    "baseEjectionTime",
    "maxEjectionPercent",
    "minHealthPercent",
  ]),
  apply({ policy }, { cluster, balancing }) {
    const { outlierDetection } = policy;
    if (outlierDetection === undefined) return;
    cluster.outlierDetection = buildOutlierDetection(outlierDetection);
    // Envoy's panic mode would send traffic to all endpoints when half are out; Istio asks for it by name only.
    balancing.healthyPanicThreshold = { value: outlierDetection.minHealthPercent ?? 0 };
  },
};

function buildOutlierDetection(detection: OutlierDetection) {
  const gatewayErrors = detection.consecutiveGatewayErrors ?? detection.consecutiveErrors;
  return {
    // Istio ejects by counted errors only.
    enforcingSuccessRate: 0,
    ...consecutive5xx(detection.consecutive5xxErrors),
    ...(gatewayErrors === undefined
      ? {}
      : {
          consecutiveGatewayFailure: gatewayErrors,
          enforcingConsecutiveGatewayFailure: enforcing(gatewayErrors),
        }),
    ...(detection.splitExternalLocalOriginErrors
      ? localOrigin(detection.consecutiveLocalOriginFailures)
      : {}),
    ...(detection.interval === undefined ? {} : { interval: durationMessage(detection.interval) }),
    ...(detection.baseEjectionTime === undefined
      ? {}
      : { baseEjectionTime: durationMessage(detection.baseEjectionTime) }),
    ...(detection.maxEjectionPercent === undefined
      ? {}
      : { maxEjectionPercent: detection.maxEjectionPercent }),
  };
}

function consecutive5xx(count: number | undefined) {
  return count === undefined ? {} : { consecutive5xx: count, enforcingConsecutive5xx: enforcing(count) };
}

function localOrigin(count: number | undefined) {
  return {
    splitExternalLocalOriginErrors: true,
    // As enforcingSuccessRate, for what fails before there is a response.
    enforcingLocalOriginSuccessRate: 0,
    ...(count === undefined
      ? {}
      : { consecutiveLocalOriginFailure: count, enforcingConsecutiveLocalOriginFailure: enforcing(count) }),
  };
}

/** 0 errors means: never for this reason. */
function enforcing(count: number): number {
  return count > 0 ? 100 : 0;
}
