// Route configurations of sidecars, put together from encoded fragments. The routes of a virtual host are encoded
// once for all namespaces; only its domains, which hold short names, are encoded for each that spells them otherwise.

import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { encode } from "../envoy/encode.ts";
import {
  buildCatchAllVirtualHost,
  buildRouteConfigurationHeader,
  buildVirtualHost,
} from "../envoy/route/route-configuration.ts";
import { VirtualHostSchema } from "../gen/envoy/config/route/v3/route_components_pb.ts";
import { RouteConfigurationSchema } from "../gen/envoy/config/route/v3/route_pb.ts";
import type { VirtualHostInputs } from "../view/route-inputs.ts";
import { type Fragment, fragment } from "./built-resource.ts";

const VIRTUAL_HOSTS = RouteConfigurationSchema.field.virtualHosts.number;

/** All of a virtual host but its domains. */
export function virtualHostBody(inputs: VirtualHostInputs): Fragment {
  return fragment(encode(VirtualHostSchema, buildVirtualHost(inputs)));
}

/** Fields of a route configuration, one for each virtual host: what announces it, its body, its domains. */
export function virtualHostsFragment(
  hosts: readonly { readonly body: Fragment; readonly domains: readonly string[] }[],
): Fragment {
  const writer = new BinaryWriter();
  for (const { body, domains } of hosts) {
    const tail = encode(VirtualHostSchema, { domains: [...domains] });
    writer.tag(VIRTUAL_HOSTS, WireType.LengthDelimited).uint32(body.bytes.length + tail.length);
    writer.raw(body.bytes).raw(tail);
  }
  return fragment(writer.finish());
}

export function routeConfigurationHead(name: string): Fragment {
  return fragment(encode(RouteConfigurationSchema, buildRouteConfigurationHeader(name)));
}

export function catchAllFragment(passthroughCluster: string | undefined): Fragment {
  const virtualHosts = [buildCatchAllVirtualHost(passthroughCluster)];
  return fragment(encode(RouteConfigurationSchema, { virtualHosts }));
}
