// What network and DNS need to know of services, from the objects: VIPs with their ready endpoints, and names.
// Pure.

import type { Endpoint, EndpointSlice } from "../../kinds/endpoint-slice.ts";
import type { Service } from "../../kinds/service.ts";
import type { DnsEndpoint, DnsService, DnsServicePort } from "../dns/dns-table.ts";
import type { ServiceVip } from "../network/service-rules.ts";
import { SERVICE_NAME_LABEL } from "../workloads/endpoint-slices.ts";

/** By `namespace/service`. */
export type SlicesByService = ReadonlyMap<string, readonly EndpointSlice[]>;

/** Those of IPv4, which is all that a mesh on one machine has: packets go to addresses, not to names. */
export function slicesByService(slices: readonly EndpointSlice[]): SlicesByService {
  const grouped = new Map<string, EndpointSlice[]>();
  for (const slice of slices) {
    const service = slice.metadata.labels?.[SERVICE_NAME_LABEL];
    if (service === undefined || slice.addressType !== "IPv4") continue;
    const key = `${slice.metadata.namespace}/${service}`;
    grouped.set(key, [...(grouped.get(key) ?? []), slice]);
  }
  return grouped;
}

export function buildServiceVips(
  services: readonly Service[],
  slices: SlicesByService,
): readonly ServiceVip[] {
  return services.flatMap((service) => {
    const vip = virtualIp(service);
    if (vip === undefined) return [];
    const ports = (service.spec?.ports ?? []).flatMap(({ port, protocol = "TCP" }) =>
      protocol === "SCTP" ? [] : [{ port, protocol, targets: readyTargets(service, port, slices) }],
    );
    return [{ vip, ports }];
  });
}

/** `ip:port` of each ready endpoint behind a port of a Service; where none is ready, of those that still serve. */
export function readyTargets(service: Service, port: number, slices: SlicesByService): readonly string[] {
  const name = service.spec?.ports?.find((candidate) => candidate.port === port)?.name ?? "";
  const own = slices.get(`${service.metadata.namespace}/${service.metadata.name}`) ?? [];
  const targetsOf = (isWanted: (endpoint: Endpoint) => boolean) =>
    own.flatMap((slice) => {
      const number = slice.ports?.find((candidate) => (candidate.name ?? "") === name)?.port;
      if (number === undefined) return [];
      return slice.endpoints
        .filter(isWanted)
        .flatMap(({ addresses }) => addresses.map((ip) => `${ip}:${number}`));
    });
  const ready = targetsOf(({ conditions }) => conditions?.ready !== false);
  // As kube-proxy: terminating endpoints are better than none.
  return ready.length > 0
    ? ready
    : targetsOf(({ conditions }) => conditions?.serving === true && conditions.terminating === true);
}

export function buildDnsServices(
  services: readonly Service[],
  slices: SlicesByService,
): readonly DnsService[] {
  return services.flatMap((service): DnsService[] => {
    const { namespace, name } = service.metadata;
    const ports = (service.spec?.ports ?? []).flatMap(dnsPort);
    if (service.spec?.type === "ExternalName") {
      return [{ kind: "external", namespace, name, target: service.spec.externalName ?? "" }];
    }
    const ip = virtualIp(service);
    if (ip !== undefined) return [{ kind: "vip", namespace, name, ip, ports }];
    if (service.spec?.clusterIP !== "None") return [];
    return [{ kind: "headless", namespace, name, ports, endpoints: dnsEndpoints(service, slices) }];
  });
}

function dnsPort({
  name,
  port,
  protocol = "TCP",
}: NonNullable<NonNullable<Service["spec"]>["ports"]>[number]): DnsServicePort[] {
  return protocol === "SCTP" ? [] : [{ port, protocol, ...(name === undefined ? {} : { name }) }];
}

function dnsEndpoints({ metadata, spec }: Service, slices: SlicesByService): readonly DnsEndpoint[] {
  const own = slices.get(`${metadata.namespace}/${metadata.name}`) ?? [];
  return own
    .flatMap((slice) => slice.endpoints)
    .filter(({ conditions }) => conditions?.ready !== false || spec?.publishNotReadyAddresses === true)
    .flatMap(({ addresses, hostname }) =>
      addresses.map((ip) => (hostname === undefined ? { ip } : { ip, hostname })),
    );
}

function virtualIp({ spec }: Service): string | undefined {
  const isVirtual = spec?.type !== "ExternalName" && spec?.clusterIP !== "None" && spec?.clusterIP !== "";
  return isVirtual ? spec?.clusterIP : undefined;
}
