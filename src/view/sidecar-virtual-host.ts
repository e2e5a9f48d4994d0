// A virtual host of sidecars, without the domains that each client calls it by.

import type { MeshService } from "../model/service.ts";
import type { VirtualHostInputs } from "./route-inputs.ts";

export interface SidecarVirtualHost extends VirtualHostInputs {
  /** `9080`, or `reviews.shop.svc.cluster.local:9080` for a sniffed port with an address of its own. */
  readonly routeName: string;
  readonly hostname: string;
  readonly addresses: readonly string[];
  readonly aliases: readonly string[];
  /** Of the service; empty for a host that only a VirtualService names. Decides who keeps a name that two claim. */
  readonly createdAt: string;
  /** Undefined for a host that only a VirtualService names, on this port. */
  readonly service: Pick<MeshService, "namespace" | "registry"> | undefined;
  readonly isHeadless: boolean;
}

/** The name of its row. Names hold no space, so it parts the route configuration from the virtual host. */
export function virtualHostRow({ routeName, name }: Pick<SidecarVirtualHost, "routeName" | "name">): string {
  return `${routeName} ${name}`;
}
