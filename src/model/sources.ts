// The source tables of the model: one for each kind that config depends on, rows by `namespace/name`.

import { type ObjectKey, objectKey } from "../core/object-key.ts";
import type { Graph, Transaction } from "../graph/graph.ts";
import type { SourceTable } from "../graph/table.ts";
import type { KubernetesObject } from "../kinds/define-kind.ts";
import type { DestinationRule } from "../kinds/destination-rule/destination-rule.ts";
import type { EndpointSlice } from "../kinds/endpoint-slice.ts";
import type { Gateway } from "../kinds/gateway/gateway.ts";
import type { MeshConfig } from "../kinds/mesh-config/mesh-config.ts";
import type { Namespace } from "../kinds/namespace.ts";
import type { Node } from "../kinds/node.ts";
import type { PeerAuthentication } from "../kinds/peer-authentication.ts";
import type { Pod } from "../kinds/pod/pod.ts";
import type { ClusterRole } from "../kinds/rbac/cluster-role.ts";
import type { ClusterRoleBinding } from "../kinds/rbac/cluster-role-binding.ts";
import type { Role } from "../kinds/rbac/role.ts";
import type { RoleBinding } from "../kinds/rbac/role-binding.ts";
import type { Secret } from "../kinds/secret.ts";
import type { Service } from "../kinds/service.ts";
import type { ServiceEntry } from "../kinds/service-entry/service-entry.ts";
import type { VirtualService } from "../kinds/virtual-service/virtual-service.ts";
import type { WorkloadGroup } from "../kinds/workload-group.ts";

interface ModelObjects {
  readonly ClusterRole: ClusterRole;
  readonly ClusterRoleBinding: ClusterRoleBinding;
  readonly DestinationRule: DestinationRule;
  readonly EndpointSlice: EndpointSlice;
  readonly Gateway: Gateway;
  readonly MeshConfig: MeshConfig;
  readonly Namespace: Namespace;
  readonly Node: Node;
  readonly PeerAuthentication: PeerAuthentication;
  readonly Pod: Pod;
  readonly Role: Role;
  readonly RoleBinding: RoleBinding;
  readonly Secret: Secret;
  readonly Service: Service;
  readonly ServiceEntry: ServiceEntry;
  readonly VirtualService: VirtualService;
  readonly WorkloadGroup: WorkloadGroup;
}

export type Sources = { readonly [K in keyof ModelObjects]: SourceTable<ModelObjects[K]> };

/** Objects of other kinds are none of the model's business, and are passed over by `writeObject`. */
export function declareSources(graph: Graph): Sources {
  return {
    ClusterRole: graph.source("ClusterRole"),
    ClusterRoleBinding: graph.source("ClusterRoleBinding"),
    DestinationRule: graph.source("DestinationRule"),
    EndpointSlice: graph.source("EndpointSlice"),
    Gateway: graph.source("Gateway"),
    MeshConfig: graph.source("MeshConfig"),
    Namespace: graph.source("Namespace"),
    Node: graph.source("Node"),
    PeerAuthentication: graph.source("PeerAuthentication"),
    Pod: graph.source("Pod"),
    Role: graph.source("Role"),
    RoleBinding: graph.source("RoleBinding"),
    Secret: graph.source("Secret"),
    Service: graph.source("Service"),
    ServiceEntry: graph.source("ServiceEntry"),
    VirtualService: graph.source("VirtualService"),
    WorkloadGroup: graph.source("WorkloadGroup"),
  };
}

/** The key of an object's row: `namespace/name`, with an empty namespace for those that have none. */
export function rowKey(namespace: string | undefined, name: string): string {
  return `${namespace ?? ""}/${name}`;
}

/** The key of an object among objects of all kinds. */
export function keyOf({ kind, metadata: { namespace = "", name } }: KubernetesObject): ObjectKey {
  return objectKey({ kind, namespace, name });
}

/** The object must have the form that its kind declares: what comes from outside was checked at the edge. */
export function writeObject(transaction: Transaction, sources: Sources, object: KubernetesObject): void {
  const table = tableOf(sources, object.kind);
  if (table === undefined) return;
  transaction.set(table, rowKey(object.metadata.namespace, object.metadata.name), object);
}

export interface ObjectName {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

export function deleteObject(
  transaction: Transaction,
  sources: Sources,
  { kind, namespace, name }: ObjectName,
): void {
  const table = tableOf(sources, kind);
  if (table !== undefined) transaction.delete(table, rowKey(namespace, name));
}

/** Undefined where there is none, or the kind is none of the model's business. */
export function findObject(
  sources: Sources,
  { kind, namespace, name }: ObjectName,
): KubernetesObject | undefined {
  return tableOf(sources, kind)?.get(rowKey(namespace, name));
}

function tableOf(sources: Sources, kind: string): SourceTable<KubernetesObject> | undefined {
  // Each table's rows are objects of its kind; the name that picks the table is the object's own.
  return Object.hasOwn(sources, kind)
    ? (sources[kind as keyof Sources] as unknown as SourceTable<KubernetesObject>)
    : undefined;
}
