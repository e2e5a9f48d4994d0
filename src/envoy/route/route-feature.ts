// A route is built by an ordered list of small features. Each claims the API fields that it implements and
// writes its part of the draft; none looks at what another wrote.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RouteActionSchema, RouteSchema } from "../../gen/envoy/config/route/v3/route_components_pb.ts";
import type { ClaimedField } from "../../kinds/claims.ts";
import type { RouteInputs } from "../../view/route-inputs.ts";
import type { PackedMessage } from "../message-encoder.ts";

export type RouteInit = MessageInitShape<typeof RouteSchema>;
export type RouteActionInit = MessageInitShape<typeof RouteActionSchema>;

export interface RouteDraft {
  readonly route: RouteInit;
  /** Used where the route forwards; a redirect or direct response replaces it. */
  readonly action: RouteActionInit;
  /** By HTTP filter's name. */
  readonly filterConfig: Record<string, PackedMessage>;
}

export interface RouteFeature {
  /** Paths such as `VirtualService.spec.http[].timeout`. */
  readonly fields: readonly ClaimedField[];
  readonly apply: (inputs: RouteInputs, draft: RouteDraft) => void;
}
