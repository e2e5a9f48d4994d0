// What precedes the metrics and metadata of dry runs.

import { RBAC_Action } from "../../gen/envoy/config/rbac/v3/rbac_pb.ts";
import type { RbacRules } from "./policies.ts";

/** Istio's: without a dry run it is that of ALLOW, and AUDIT has none. */
export function shadowRulesStatPrefix({ shadowRules }: RbacRules): string {
  switch (shadowRules?.action) {
    case RBAC_Action.DENY:
      return "istio_dry_run_deny_";
    case RBAC_Action.LOG:
      return "";
    default:
      return "istio_dry_run_allow_";
  }
}
