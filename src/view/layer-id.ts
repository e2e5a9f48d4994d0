// Ids of layers of rows. They are made of what clients say of themselves, which must not pass for what parts a layer
// from a row's name, or from another layer.

import type { IpFamilies } from "../core/ip-families.ts";

export function withoutSeparators(id: string): string {
  return id.replaceAll(/[|^]/g, "_");
}

/** Of one workload's own side: its inbound or gateway view. */
export function workloadLayer(viewId: string): string {
  return `=${viewId}`;
}

/** All sidecars of these IP families share it. */
export function sidecarLayer(families: IpFamilies): string {
  return families === "ipv4" ? "sidecar=" : `sidecar=${families}`;
}

/** All proxies share it for whose workloads the same policies of a kind hold. */
export function policyLayer(policy: string, setId: string): string {
  return `${policy}=${setId}`;
}

export const EVERY_PROXY_LAYER = "proxy=";
