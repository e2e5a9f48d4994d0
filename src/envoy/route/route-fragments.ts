// Route configurations of sidecars, put together from encoded fragments. The routes of a virtual host are encoded
// once for all namespaces; only its domains, which hold short names, are encoded for each that spells them otherwise.

import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { VirtualHostSchema } from "../../gen/envoy/config/route/v3/route_components_pb.ts";
import { RouteConfigurationSchema } from "../../gen/envoy/config/route/v3/route_pb.ts";
import type { Provenance } from "../../view/provenance.ts";
import type { RouteInputs, VirtualHostInputs } from "../../view/route-inputs.ts";
import { encode } from "../encode.ts";
import {
  type BuiltFragment,
  buildFragment,
  buildPart,
  type Fragment,
  fragment,
  type ResourcePart,
} from "../fragment.ts";
import {
  buildCatchAllVirtualHost,
  buildRouteConfigurationHeader,
  buildVirtualHost,
} from "./route-configuration.ts";

const VIRTUAL_HOSTS = RouteConfigurationSchema.field.virtualHosts.number;

/** All of a virtual host but its domains. */
export function virtualHostBody(inputs: VirtualHostInputs): BuiltFragment {
  return buildFragment(VirtualHostSchema, buildVirtualHost(inputs), provenanceOf(inputs.routes));
}

export function provenanceOf(routes: readonly RouteInputs[]): Provenance {
  return routes.flatMap(({ provenance }) => provenance);
}

/** Fields of a route configuration, one for each virtual host: what announces it, its body, its domains. */
export function virtualHostsFragment(
  hosts: readonly { readonly body: Fragment; readonly domains: readonly string[] }[],
): Fragment {
  const writer = new BinaryWriter();
  for (const { body, domains } of hosts) {
    const { bytes: tail } = encode(VirtualHostSchema, { domains: [...domains] });
    writer.tag(VIRTUAL_HOSTS, WireType.LengthDelimited).uint32(body.bytes.length + tail.length);
    writer.raw(body.bytes).raw(tail);
  }
  return fragment(writer.finish());
}

export function routeConfigurationHead(name: string): ResourcePart {
  return buildPart(RouteConfigurationSchema, buildRouteConfigurationHeader(name));
}

export function catchAllPart(passthroughCluster: string | undefined): ResourcePart {
  return buildPart(RouteConfigurationSchema, {
    virtualHosts: [buildCatchAllVirtualHost(passthroughCluster)],
  });
}
