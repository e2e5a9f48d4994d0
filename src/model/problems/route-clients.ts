// The namespaces whose clients follow a VirtualService, as far as its own text says: checks look at its destinations as
// those clients see them.

import type { VirtualService } from "../../kinds/virtual-service/virtual-service.ts";
import { MESH_GATEWAY, qualifyGateway } from "../gateway-name.ts";
import { isVisibleTo, resolveVisibility } from "../visibility.ts";
import type { CheckContext } from "./check.ts";

/**
 * Its own namespace where sidecars there follow it, else those that it is exported to; and the namespaces of the Gateways
 * that it is bound to, in which gateways usually are.
 */
export function clientNamespaces(
  { metadata: { namespace }, spec }: VirtualService,
  { settings }: CheckContext,
): readonly string[] {
  const visibility = resolveVisibility(spec.exportTo, namespace, settings.defaultExportTo.virtualService);
  const gateways = (spec.gateways ?? [MESH_GATEWAY]).map((gateway) => qualifyGateway(gateway, namespace));
  const exported = visibility === "public" ? [] : visibility.namespaces;
  const ofSidecars = isVisibleTo(visibility, namespace) ? [namespace] : exported;
  const ofGateways = gateways
    .filter((gateway) => gateway !== MESH_GATEWAY)
    .map((gateway) => gateway.slice(0, gateway.indexOf("/")))
    .filter((each) => isVisibleTo(visibility, each));
  const found = [...(gateways.includes(MESH_GATEWAY) ? ofSidecars : []), ...ofGateways];
  return [...new Set(found)];
}
