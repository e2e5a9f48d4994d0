// Retries: what counts as worth another try, how often, and never twice at the same endpoint.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RetryPolicySchema } from "../../gen/envoy/config/route/v3/route_components_pb.ts";
import { PreviousHostsPredicateSchema } from "../../gen/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.ts";
import { PreviousPrioritiesConfigSchema } from "../../gen/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config_pb.ts";
import { claims } from "../../kinds/claims.ts";
import { meshConfigKind } from "../../kinds/mesh-config/mesh-config.ts";
import type { HttpRetry } from "../../kinds/virtual-service/http-route.ts";
import { virtualServiceKind } from "../../kinds/virtual-service/virtual-service.ts";
import { durationMessage } from "../duration-message.ts";
import { typedConfig } from "../encode.ts";
import type { RouteFeature } from "./route-feature.ts";

type RetryPolicyInit = MessageInitShape<typeof RetryPolicySchema>;

const DEFAULT_RETRY_ON = "connect-failure,refused-stream,unavailable,cancelled";
const DEFAULT_ATTEMPTS = 2;
const HOST_SELECTION_ATTEMPTS = 5n;

const RETRY_FIELDS = [
  "attempts",
  "perTryTimeout",
  "retryOn",
  "retryRemoteLocalities",
  "retryIgnorePreviousHosts",
  "backoff",
] as const;

export const retryFeature: RouteFeature = {
  fields: [
    ...claims(virtualServiceKind, "spec.http[].retries", RETRY_FIELDS),
    ...claims(meshConfigKind, "spec.defaultHttpRetryPolicy", RETRY_FIELDS),
  ],
  apply({ rule, defaultRetries }, draft) {
    const policy = buildRetryPolicy(rule?.retries ?? defaultRetries ?? {});
    if (policy !== undefined) draft.action.retryPolicy = policy;
  },
};

/** Undefined where `attempts: 0` turns retries off. What isn't said is as Istio's default policy. */
export function buildRetryPolicy(retries: HttpRetry): RetryPolicyInit | undefined {
  if (retries.attempts !== undefined && retries.attempts <= 0) return undefined;
  const { conditions, statusCodes } = splitRetryOn(retries.retryOn ?? "");
  return {
    retryOn: conditions,
    retriableStatusCodes: [...statusCodes],
    numRetries: retries.attempts ?? DEFAULT_ATTEMPTS,
    ...(retries.perTryTimeout === undefined ? {} : { perTryTimeout: durationMessage(retries.perTryTimeout) }),
    ...(retries.backoff === undefined
      ? {}
      : { retryBackOff: { baseInterval: durationMessage(retries.backoff) } }),
    ...(retries.retryIgnorePreviousHosts === false ? {} : avoidPreviousHosts()),
    ...(retries.retryRemoteLocalities ? { retryPriority: avoidPreviousPriorities() } : {}),
  };
}

/** Istio lets status codes stand among Envoy's conditions: `5xx,409` retries on 5xx and on 409. */
function splitRetryOn(retryOn: string) {
  const words = retryOn.split(",").map((word) => word.trim());
  const statusCodes = words.filter((word) => /^[1-5]\d\d$/.test(word)).map(Number);
  const conditions = words.filter((word) => word !== "" && !/^\d+$/.test(word));
  if (conditions.length === 0 && statusCodes.length === 0)
    return { conditions: DEFAULT_RETRY_ON, statusCodes };
  if (statusCodes.length > 0) conditions.push("retriable-status-codes");
  return { conditions: conditions.join(","), statusCodes };
}

function avoidPreviousHosts() {
  return {
    retryHostPredicate: [
      {
        name: "envoy.retry_host_predicates.previous_hosts",
        configType: { case: "typedConfig" as const, value: typedConfig(PreviousHostsPredicateSchema, {}) },
      },
    ],
    hostSelectionRetryMaxAttempts: HOST_SELECTION_ATTEMPTS,
  };
}

function avoidPreviousPriorities() {
  return {
    name: "envoy.retry_priorities.previous_priorities",
    configType: {
      case: "typedConfig" as const,
      // Each failed locality is excluded as soon as it failed once.
      value: typedConfig(PreviousPrioritiesConfigSchema, { updateFrequency: 2 }),
    },
  };
}
