// Ids of layers of rows. They are made of what clients say of themselves, which must not pass for what parts a layer
// from a row's name, or from another layer.

import type { IpFamilies } from "../core/ip-families.ts";

declare const isLayerId: unique symbol;
declare const isRowKey: unique symbol;

/** Made by the functions here, and by nobody else. Holds no bar. */
export type LayerId = string & { readonly [isLayerId]: true };

/** Of a row in a layer; tables have it as their key. */
export type RowKey = string & { readonly [isRowKey]: true };

const BAR = "|";

/** What a table has as a key that is a layer's id. */
export function asLayerId(key: string): LayerId {
  return key as LayerId;
}

/** Names may hold a bar. */
export function layerKey(layer: LayerId, name: string): RowKey {
  return `${layer}${BAR}${name}` as RowKey;
}

/** What `layerKey` put together. */
export function splitLayerKey(key: string): { readonly layer: LayerId; readonly name: string } {
  const bar = key.indexOf(BAR);
  return { layer: key.slice(0, bar) as LayerId, name: key.slice(bar + 1) };
}

/** What all clients share, unless their own layers say otherwise. */
export const MESH_LAYER = "" as LayerId;

/** The same for what differs by IP families alone. */
export function meshLayer(families: IpFamilies): LayerId {
  return families === "ipv4" ? MESH_LAYER : (`@${families}` as LayerId);
}

/** Of a client scope: its namespace, and what else tells its clients apart, each without separators. */
export function clientLayer(namespace: string, answers: readonly string[]): LayerId {
  return [namespace, ...answers].join(";") as LayerId;
}

const OVER = "^";

/** Over another layer, for those who have the overlay. */
export function overlaidLayer(layer: LayerId, overlayId: string): LayerId {
  return `${layer}${OVER}${overlayId}` as LayerId;
}

/** Overlays of overlays are in order: the last one is on top. */
export function splitOverlaidLayer(
  id: LayerId,
): { readonly layer: LayerId; readonly overlay: string } | undefined {
  const at = id.lastIndexOf(OVER);
  return at === -1 ? undefined : { layer: id.slice(0, at) as LayerId, overlay: id.slice(at + 1) };
}

export function withoutSeparators(id: string): string {
  return id.replaceAll(/[|^]/g, "_");
}

/** Of one workload's own side: its inbound or gateway view. */
export function workloadLayer(viewId: string): LayerId {
  return `=${viewId}` as LayerId;
}

/** All sidecars of these IP families share it. */
export function sidecarLayer(families: IpFamilies): LayerId {
  return `sidecar=${families === "ipv4" ? "" : families}` as LayerId;
}

/** All proxies share it for whose workloads the same policies of a kind hold. */
export function policyLayer(policy: string, setId: string): LayerId {
  return `${policy}=${setId}` as LayerId;
}

export const EVERY_PROXY_LAYER = "proxy=" as LayerId;
