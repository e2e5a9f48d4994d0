// The resources that one proxy of a case's mesh is served, as plain JSON: from objects through model, views and builders to
// the fleet's bytes and back.

import assert from "node:assert/strict";
import { type DescMessage, fromBinary, toJson } from "@bufbuild/protobuf";
import { stringify } from "yaml";
import { systemClock } from "../../src/core/clock.ts";
import { silentLogger } from "../../src/core/logger.ts";
import { dumpedMessages as registry } from "../../src/fleet/config-dump-json.ts";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { ClusterSchema } from "../../src/gen/envoy/config/cluster/v3/cluster_pb.ts";
import { ClusterLoadAssignmentSchema } from "../../src/gen/envoy/config/endpoint/v3/endpoint_pb.ts";
import { ListenerSchema } from "../../src/gen/envoy/config/listener/v3/listener_pb.ts";
import { RouteConfigurationSchema } from "../../src/gen/envoy/config/route/v3/route_pb.ts";
import { writeObject } from "../../src/model/sources.ts";
import { createControlPlane } from "../../src/plane/create-control-plane.ts";
import type { ResourceSet } from "../../src/xds/resource.ts";
import type { ResourceType } from "../../src/xds/resource-type.ts";
import { objectsOf } from "../support/mesh-fixture.ts";
import type { JsonObject, ProxyConfig } from "./walk-call.ts";

export interface CaseProxy {
  readonly type: "sidecar" | "router";
  /** `NAME.NAMESPACE` */
  readonly id: string;
  readonly ips: readonly string[];
  readonly namespace: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly dnsDomain: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Nowhere unless said otherwise. */
  readonly locality?: { readonly region: string; readonly zone: string };
}

export function configOf(yaml: string, proxy: CaseProxy): ProxyConfig {
  const { fleet, sources } = createControlPlane({ clock: systemClock, log: silentLogger });
  const { errors } = fleet.commit((transaction) => {
    for (const object of objectsOf(yaml)) writeObject(transaction, sources, object);
  });
  assert.deepEqual(errors, []);
  return decoded(setOf(fleet, proxy));
}

/** The mesh's settings as an object, the way the loader makes them of a ConfigMap. */
export function meshConfigDocument(spec: unknown): string {
  return stringify({ apiVersion: "meltemi.dev/v1", kind: "MeshConfig", metadata: { name: "mesh" }, spec });
}

function setOf(fleet: Fleet, proxy: CaseProxy): ResourceSet {
  const [name = ""] = proxy.id.split(".");
  const nodeId = `${proxy.type}~${proxy.ips[0]}~${name}.${proxy.namespace}~${proxy.dnsDomain}`;
  const opening = fleet.open(
    {
      nodeId,
      node: {
        id: nodeId,
        cluster: "",
        metadata: { ...proxy.metadata, NAMESPACE: proxy.namespace, INSTANCE_IPS: proxy.ips.join(",") },
        locality: { region: "", zone: "", ...proxy.locality, subZone: "" },
        userAgentName: "envoy",
        userAgentVersion: "1.40.0",
      },
      peer: undefined,
      owner: undefined,
      identity: { proof: "none" },
      protocol: "delta",
      remoteAddress: undefined,
      servesSecrets: false,
      metadata: () => undefined,
    },
    {
      publish: () => undefined,
      standing: () => "in-use",
      offerAgain: () => undefined,
      close: () => undefined,
    },
  );
  assert.ok(opening.kind === "accepted", JSON.stringify(opening));
  const joining = opening.conversation.join();
  assert.ok(!(joining instanceof Promise) && joining.kind === "joined", JSON.stringify(joining));
  return joining.session.initialSet();
}

function decoded(set: ResourceSet): ProxyConfig {
  const messages = (type: ResourceType, schema: DescMessage) =>
    [...set.names(type)].map((name) => {
      const bytes = Buffer.concat(set.get(type, name)?.body ?? []);
      return toJson(schema, fromBinary(schema, bytes), { registry }) as JsonObject;
    });
  return {
    listeners: messages("listener", ListenerSchema),
    routes: messages("route", RouteConfigurationSchema),
    clusters: messages("cluster", ClusterSchema),
    endpoints: messages("endpoint", ClusterLoadAssignmentSchema),
  };
}
