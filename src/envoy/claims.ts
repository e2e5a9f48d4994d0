// Every API field that a builder implements. The check of fields fails for one that is neither here nor listed
// with a reason.

import { clusterFeatures } from "./cluster/outbound-cluster.ts";
import { accessLogFields } from "./listener/access-log.ts";
import { downstreamTlsFields } from "./listener/downstream-tls.ts";
import { httpConnectionManagerFields } from "./listener/http-connection-manager.ts";
import { outboundListenerFields } from "./listener/outbound-listener.ts";
import { virtualInboundFields } from "./listener/virtual-inbound.ts";
import { virtualOutboundFields } from "./listener/virtual-outbound.ts";
import { routeFeatures } from "./route/route.ts";

export const claimedFields: readonly string[] = [
  ...routeFeatures.flatMap(({ fields }) => fields),
  ...clusterFeatures.flatMap(({ fields }) => fields),
  ...accessLogFields,
  ...downstreamTlsFields,
  ...httpConnectionManagerFields,
  ...outboundListenerFields,
  ...virtualInboundFields,
  ...virtualOutboundFields,
];
