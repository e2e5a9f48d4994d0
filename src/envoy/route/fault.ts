// Fault injection: delays and aborts that the route's configuration of Envoy's fault filter makes.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { grpcStatusNames } from "../../core/grpc-status-name.ts";
import { HTTPFaultSchema } from "../../gen/envoy/extensions/filters/http/fault/v3/fault_pb.ts";
import type { FractionalPercentSchema } from "../../gen/envoy/type/v3/percent_pb.ts";
import { FractionalPercent_DenominatorType } from "../../gen/envoy/type/v3/percent_pb.ts";
import { claims } from "../../kinds/claims.ts";
import type {
  HttpFaultInjectionAbort,
  HttpFaultInjectionDelay,
} from "../../kinds/virtual-service/http-route.ts";
import { virtualServiceKind } from "../../kinds/virtual-service/virtual-service.ts";
import { durationMessage } from "../duration-message.ts";
import { typedConfig } from "../encode.ts";
import type { RouteFeature } from "./route-feature.ts";

type FractionalPercentInit = MessageInitShape<typeof FractionalPercentSchema>;
type HttpFaultInit = MessageInitShape<typeof HTTPFaultSchema>;

export const FAULT_FILTER = "envoy.filters.http.fault";

export const faultFeature: RouteFeature = {
  fields: claims(virtualServiceKind, "spec.http[].fault", [
    "delay.fixedDelay",
    "delay.percent",
    "delay.percentage.value",
    "abort.httpStatus",
    "abort.grpcStatus",
    "abort.percentage.value",
  ]),
  apply({ rule }, draft) {
    if (rule?.fault === undefined) return;
    const { delay, abort } = rule.fault;
    const faults = {
      ...(delay?.fixedDelay === undefined ? {} : { delay: buildDelay(delay, delay.fixedDelay) }),
      ...(abort === undefined ? {} : buildAbort(abort)),
    };
    if (Object.keys(faults).length > 0)
      draft.filterConfig[FAULT_FILTER] = typedConfig(HTTPFaultSchema, faults);
  },
};

/** Of a fault that doesn't say whom it is for, as in Istio. */
const NOBODY = { value: 0 };

function buildDelay(delay: HttpFaultInjectionDelay, fixedDelay: string): HttpFaultInit["delay"] {
  const { percent, percentage = percent === undefined ? NOBODY : { value: percent } } = delay;
  return {
    faultDelaySecifier: { case: "fixedDelay", value: durationMessage(fixedDelay) },
    percentage: fractionalPercent(percentage),
  };
}

function buildAbort(abort: HttpFaultInjectionAbort): Pick<HttpFaultInit, "abort"> {
  const percentage = fractionalPercent(abort.percentage ?? NOBODY);
  if (abort.httpStatus !== undefined) {
    return { abort: { percentage, errorType: { case: "httpStatus", value: abort.httpStatus } } };
  }
  if (abort.grpcStatus !== undefined) {
    return {
      abort: {
        percentage,
        errorType: { case: "grpcStatus", value: grpcStatusNames.indexOf(abort.grpcStatus) },
      },
    };
  }
  return {};
}

/** Istio's percent, to a hundredth of a hundredth; absent means always. */
export function fractionalPercent(percent: { readonly value?: number } | undefined): FractionalPercentInit {
  return {
    numerator: percent === undefined ? 1_000_000 : Math.round((percent.value ?? 0) * 10_000),
    denominator: FractionalPercent_DenominatorType.MILLION,
  };
}
