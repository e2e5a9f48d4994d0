// The parts of a control plane whose log an operator may want to hear more or less of.

import type { LogLevels } from "../core/log-levels.ts";
import type { Logger } from "../core/logger.ts";

/** Where Istio has a scope for the same, it has its name. */
export const controlPlaneScopes = {
  default: "start, end, and what has no scope of its own",
  admin: "requests to the admin interface",
  ads: "streams of proxies, what they are sent and what they refuse",
  ca: "certificates, the control plane's own included",
  grpc: "connections below streams and certificates",
  injection: "webhooks: injection, and validation of objects",
  jwks: "keys of token issuers",
  kube: "reading of objects, and the API server's answers",
  leader: "the lease, and what the leading replica writes",
} as const;

export type ControlPlaneLogs = Readonly<Record<keyof typeof controlPlaneScopes, Logger>> & {
  readonly levels: LogLevels;
};
