// Finds pods of this node that started before the plugin was there, and does with them what the operator chose. Their
// validation container keeps them from running uncaptured meanwhile.

import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import type { ApiClient } from "../kubernetes/api-client.ts";
import { isUncaptured, type PodWithStatus, validationCount } from "./pod-decision.ts";

/**
 * `repair`: capture the pod where it is, its validation container passes at its next try. `delete`: its controller makes
 * a new one. `label`: mark it `cni.istio.io/uninitialized=true` for somebody else.
 */
export type RepairMode = "repair" | "delete" | "label" | "none";

export const repairModes: readonly RepairMode[] = ["repair", "delete", "label", "none"];

export const UNINITIALIZED_LABEL = "cni.istio.io/uninitialized";

export interface PodRepairOptions {
  readonly client: ApiClient;
  readonly nodeName: string;
  readonly mode: RepairMode;
  /** Captures a pod that runs already. */
  readonly capture: (pod: PodWithStatus) => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface PodRepair {
  /** Looks once, now. Rejects while the API server can't be asked. */
  check(): Promise<void>;
  close(): void;
}

const PERIOD_MS = 10_000;

export function startPodRepair(options: PodRepairOptions): PodRepair {
  const { clock, log, mode } = options;
  let cancel: (() => void) | undefined;
  let isClosed = false;
  // By uid, the validations that had failed: once treated, a pod is left alone until its next one.
  let treated: ReadonlyMap<string, number> = new Map();
  const check = async () => {
    const next = new Map<string, number>();
    for (const pod of await uncapturedPods(options)) {
      const { uid = "" } = pod.metadata;
      const count = validationCount(pod);
      if (treated.get(uid) === count || (await repairPod(pod, options))) next.set(uid, count);
    }
    treated = next;
  };
  const tick = () => {
    void check()
      .catch((error: unknown) => log.warn({ reason: messageOf(error) }, "pods not looked at"))
      .finally(() => {
        if (!isClosed) cancel = clock.after(PERIOD_MS, tick);
      });
  };
  if (mode !== "none") cancel = clock.after(0, tick);
  return {
    check,
    close() {
      isClosed = true;
      cancel?.();
    },
  };
}

async function uncapturedPods({ client, nodeName }: PodRepairOptions): Promise<readonly PodWithStatus[]> {
  // The server's cache is good enough, and cheap for it: what is missed now is found 10 s later.
  const query = { fieldSelector: `spec.nodeName=${nodeName}`, resourceVersion: "0" };
  const list = (await client.request({ path: "/api/v1/pods", query })) as { items?: PodWithStatus[] };
  return (list.items ?? []).filter(isUncaptured);
}

/** False where it didn't work, and is tried again. */
async function repairPod(pod: PodWithStatus, options: PodRepairOptions): Promise<boolean> {
  const { mode, log } = options;
  const { namespace = "default", name = "" } = pod.metadata;
  try {
    await act(pod, `/api/v1/namespaces/${namespace}/pods/${name}`, options);
    log.info({ namespace, name, mode }, "uncaptured pod treated");
    return true;
  } catch (error) {
    log.warn({ namespace, name, mode, reason: messageOf(error) }, "uncaptured pod not treated");
    return false;
  }
}

async function act(pod: PodWithStatus, path: string, options: PodRepairOptions): Promise<void> {
  const { client, mode, capture } = options;
  switch (mode) {
    case "repair":
      await capture(pod);
      return;
    case "delete":
      // Only this very pod: its successor may have the same name.
      await client.request({ method: "DELETE", path, body: { preconditions: { uid: pod.metadata.uid } } });
      return;
    case "label":
      if (pod.metadata.labels?.[UNINITIALIZED_LABEL] === "true") return;
      await client.request({
        method: "PATCH",
        path,
        contentType: "application/merge-patch+json",
        body: { metadata: { labels: { [UNINITIALIZED_LABEL]: "true" } } },
      });
      return;
    case "none":
      return;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
