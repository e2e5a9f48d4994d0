// What stands before one gateway: of its pod where that says it, else of the mesh.

import type { Topology } from "../../kinds/mesh-config/proxy-config.ts";
import type { GatewayTopology } from "../listener-inputs.ts";
import type { GatewayContext } from "./gateway-context.ts";

/** Undefined where nothing is said of it. */
export function gatewayTopology({ side, model, read }: GatewayContext): GatewayTopology | undefined {
  return withDefaults(side.topology ?? read.one(model.settings).gatewayTopology);
}

function withDefaults({
  numTrustedProxies: trustedProxyCount = 0,
  forwardClientCertDetails = "UNDEFINED",
  proxyProtocol,
}: Topology): GatewayTopology | undefined {
  const isSilent =
    trustedProxyCount === 0 && forwardClientCertDetails === "UNDEFINED" && proxyProtocol === undefined;
  if (isSilent) return undefined;
  return {
    trustedProxyCount,
    clientCertificates: forwardClientCertDetails === "UNDEFINED" ? "SANITIZE_SET" : forwardClientCertDetails,
    speaksProxyProtocol: proxyProtocol !== undefined,
  };
}
