// EndpointSlice: the addresses behind a Service.

import type { ObjectOf } from "./define-kind.ts";
import { defineKind } from "./define-kind.ts";
import type { TypeOf } from "./schema.ts";
import { choice, flag, integer, list, map, message, text } from "./schema.ts";

const named = message({}, { required: { name: text() } });

export const endpoint = message(
  {
    conditions: message({ ready: flag(), serving: flag(), terminating: flag() }),
    deprecatedTopology: map(text()),
    hints: message({ forZones: list(named), forNodes: list(named) }),
    hostname: text(),
    nodeName: text(),
    targetRef: message({
      apiVersion: text(),
      fieldPath: text(),
      kind: text(),
      name: text(),
      namespace: text(),
      resourceVersion: text(),
      uid: text(),
    }),
    zone: text(),
  },
  { required: { addresses: list(text()) } },
);

export const endpointPort = message({
  appProtocol: text(),
  name: text(),
  port: integer(0, 65535),
  protocol: choice("TCP", "UDP", "SCTP"),
});

export const endpointSliceKind = defineKind({
  kind: "EndpointSlice",
  group: "discovery.k8s.io",
  versions: { served: ["v1"], storage: "v1" },
  plural: "endpointslices",
  scope: "Namespaced",
  roles: ["modeled", "endpoints", "followed"],
  fields: { ports: list(endpointPort) },
  requiredFields: {
    addressType: choice("IPv4", "IPv6", "FQDN"),
    // `null` where the Service's selector matches nothing.
    endpoints: list(endpoint, { isEmptyWhenAbsent: true }),
  },
  columns: [{ title: "AddressType", path: "addressType" }],
});

export type EndpointSlice = ObjectOf<typeof endpointSliceKind>;
export type Endpoint = TypeOf<typeof endpoint>;
export type EndpointPort = TypeOf<typeof endpointPort>;
