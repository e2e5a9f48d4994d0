// The debug pages of a control plane, wherever it runs: over HTTP and over xDS they are the same.

import { type DebugPage, debugPage } from "../admin/debug-pages.ts";
import { connectedProxies, findProxy } from "../fleet/debug-types.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { FleetSession } from "../fleet/fleet-session.ts";
import type { Table } from "../graph/table.ts";
import type { KubernetesObject } from "../kinds/define-kind.ts";
import { effectiveMeshConfig } from "../kinds/mesh-config/default-mesh-config.ts";
import type { Model } from "../model/model.ts";
import { serviceKey } from "../model/service.ts";
import type { Sources } from "../model/sources.ts";
import { type ResourceType, resourceTypes, typeUrlOf } from "../xds/resource-type.ts";

export interface DebuggedPlane {
  readonly fleet: Fleet;
  readonly model: Model;
  readonly sources: Sources;
}

/** Answers with the page at a path under `/debug/`. */
export type DebugPages = (path: string) => Promise<DebugPage>;

export function planeDebugPages({ fleet, model, sources }: DebuggedPlane): DebugPages {
  const resourcesOf = (proxy: FleetSession) => (type: ResourceType) => fleet.resourcesOf(proxy, type);
  const facts = {
    proxies: () => connectedProxies(fleet),
    findProxy: (proxyId: string) => findProxy(proxyId, fleet),
    async configDump(proxy: FleetSession, options: { readonly hasEndpoints: boolean }) {
      const { configDumpJson } = await import("../fleet/config-dump-json.ts");
      return configDumpJson(resourcesOf(proxy), options);
    },
    async loadAssignments(proxy: FleetSession) {
      const { loadAssignmentsJson } = await import("../fleet/config-dump-json.ts");
      return loadAssignmentsJson(fleet.resourcesOf(proxy, "endpoint"));
    },
    watchesOf: (proxy: FleetSession) =>
      Object.fromEntries(
        resourceTypes
          .map((type) => [typeUrlOf(type), fleet.resourcesOf(proxy, type).map(({ name }) => name)] as const)
          .filter(([, names]) => names.length > 0),
      ),
    services: () => rowsOf(model.services),
    endpointsOf: (service: Parameters<typeof serviceKey>[0]) =>
      model.endpoints.get(serviceKey(service)) ?? [],
    objects: () => istioObjects(sources),
    meshConfig: () => effectiveMeshConfig(sources.MeshConfig.get("/mesh")?.spec),
  };
  return (path) => debugPage(path, facts);
}

/** Whatever has effect; Kubernetes' own objects, Secrets among them, are none of Istio's group. */
function istioObjects(sources: Sources): readonly KubernetesObject[] {
  return Object.values(sources)
    .flatMap((table) => [...rowsOf<KubernetesObject>(table)])
    .filter(({ apiVersion }) => /\.istio\.io\//.test(apiVersion));
}

function* rowsOf<V>(table: Table<V>): Iterable<V> {
  for (const [, row] of table.entries()) yield row;
}
