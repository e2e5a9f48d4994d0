// Route configurations of sidecars, put together from encoded fragments. The routes of a virtual host are encoded
// once for all namespaces; only its domains, which hold short names, are encoded for each that spells them otherwise.

import { create, toBinary } from "@bufbuild/protobuf";
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

// Numbers of the fields `RouteConfiguration.virtual_hosts` and `VirtualHost.domains`.
const VIRTUAL_HOSTS = RouteConfigurationSchema.field.virtualHosts.number;
const DOMAINS = VirtualHostSchema.field.domains.number;

/** All of a virtual host but its domains. */
export function virtualHostBody(inputs: VirtualHostInputs): Fragment {
  return fragment(encode(VirtualHostSchema, buildVirtualHost(inputs)));
}

/** The field of a route configuration that is one virtual host: what announces it, its body, its domains. */
export function virtualHostFragments(body: Fragment, domains: readonly string[]): readonly Fragment[] {
  const tail = encodeDomains(domains);
  const head = new BinaryWriter()
    .tag(VIRTUAL_HOSTS, WireType.LengthDelimited)
    .uint32(body.bytes.length + tail.length)
    .finish();
  return [plain(head), body, plain(tail)];
}

export function routeConfigurationHead(name: string): Fragment {
  return fragment(encode(RouteConfigurationSchema, buildRouteConfigurationHeader(name)));
}

export function catchAllFragment(passthroughCluster: string | undefined): Fragment {
  const virtualHosts = [buildCatchAllVirtualHost(passthroughCluster)];
  return fragment(toBinary(RouteConfigurationSchema, create(RouteConfigurationSchema, { virtualHosts })));
}

function encodeDomains(domains: readonly string[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const domain of domains) writer.tag(DOMAINS, WireType.LengthDelimited).string(domain);
  return writer.finish();
}

/** Small and cheap to compare: its bytes are its hash. */
function plain(bytes: Uint8Array): Fragment {
  return { bytes, hash: Buffer.from(bytes).toString("latin1") };
}
