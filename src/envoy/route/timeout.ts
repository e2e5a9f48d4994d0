// The time a request may take in all, retries included; 0 means no limit, which is also the default.

import { claims } from "../../kinds/claims.ts";
import { virtualServiceKind } from "../../kinds/virtual-service/virtual-service.ts";
import { durationMessage, ZERO_DURATION } from "../duration-message.ts";
import type { RouteFeature } from "./route-feature.ts";

export const timeoutFeature: RouteFeature = {
  fields: claims(virtualServiceKind, ["spec.http[].timeout"]),
  apply({ rule }, draft) {
    const timeout = rule?.timeout === undefined ? ZERO_DURATION : durationMessage(rule.timeout);
    draft.action.timeout = timeout;
    // A gRPC client's own deadline holds, up to the route's timeout. By the deprecated field, as in Istio:
    // where max_stream_duration is set at all, Envoy heeds `timeout` no longer.
    draft.action.maxGrpcTimeout = timeout;
  },
};
