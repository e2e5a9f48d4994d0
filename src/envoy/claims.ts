// Every API field that a builder implements, but for those of policies in slots, which src/fleet brings together.

import type { ClaimedField } from "../kinds/claims.ts";
import { inboundClusterFeatures } from "./cluster/inbound-cluster.ts";
import { outboundClusterFeatures } from "./cluster/outbound-cluster.ts";
import { accessLogFeatures } from "./listener/access-log.ts";
import { downstreamTlsFields } from "./listener/downstream-tls.ts";
import { connectionManagerFeatures } from "./listener/http-connection-manager.ts";
import { httpFilterFeatures } from "./listener/http-filters.ts";
import { listenerFilterFeatures } from "./listener/listener-filters.ts";
import { networkFilterFeatures } from "./listener/network-filters.ts";
import { outboundListenerFields } from "./listener/outbound-listener.ts";
import { tracerSettingFields } from "./listener/tracer.ts";
import { virtualInboundFields } from "./listener/virtual-inbound.ts";
import { virtualOutboundFields } from "./listener/virtual-outbound.ts";
import { inboundRouteFields } from "./route/inbound-routes.ts";
import { routeFeatures } from "./route/route.ts";

export const builderFields: readonly ClaimedField[] = [
  ...[
    ...routeFeatures,
    ...inboundClusterFeatures,
    ...outboundClusterFeatures,
    ...accessLogFeatures,
    ...listenerFilterFeatures,
    ...networkFilterFeatures,
    ...httpFilterFeatures,
    ...connectionManagerFeatures,
  ].flatMap(({ fields }) => fields),
  ...downstreamTlsFields,
  ...inboundRouteFields,
  ...outboundListenerFields,
  ...virtualInboundFields,
  ...virtualOutboundFields,
  ...tracerSettingFields,
];
