// How a filter that comes by ECDS is named in a listener. Without a default and without a time limit the listener isn't
// live until the resource has come: what enforces policies is never open for a while.

import type { DescMessage } from "@bufbuild/protobuf";
import { ApiVersion } from "../../gen/envoy/config/core/v3/config_source_pb.ts";
import { ZERO_DURATION } from "../duration-message.ts";

/** A `config_type` for the filter; what isn't of one of these types is refused. */
export function discoveredConfig(schemas: readonly DescMessage[]) {
  return {
    case: "configDiscovery" as const,
    value: {
      configSource: {
        configSourceSpecifier: { case: "ads" as const, value: {} },
        resourceApiVersion: ApiVersion.V3,
        // None: Envoy waits for ever.
        initialFetchTimeout: ZERO_DURATION,
      },
      typeUrls: schemas.map(({ typeName }) => `type.googleapis.com/${typeName}`),
    },
  };
}
