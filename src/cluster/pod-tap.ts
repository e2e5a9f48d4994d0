// Taps a pod's proxy over a forwarded port of its agent's, which answers nobody but the pod's own loopback.

import { createInterface } from "node:readline";
import type { PodName } from "../admin/contract/mesh.ts";
import { ISTIO_PROXY_PORTS } from "../core/proxy-ports.ts";
import { type TapEvent, type TapLoss, type TapQuery, tapSearch } from "../core/tap-event.ts";
import { openPortForward } from "../kubernetes/port-forward.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { ClusterRefusal } from "./cluster-refusal.ts";
import { sendToPod, textOf } from "./pod-page.ts";

export interface AskedTap {
  readonly query: TapQuery;
  readonly signal: AbortSignal;
}

export async function* tapPod(
  access: ClusterAccess,
  { namespace, name }: PodName,
  { query, signal }: AskedTap,
): AsyncGenerator<TapEvent | TapLoss> {
  const place = { namespace, pod: name, port: ISTIO_PROXY_PORTS.agent };
  const connection = await openPortForward(access.client, place, { clock: access.clock, signal });
  const stop = () => connection.destroy();
  signal.addEventListener("abort", stop);
  try {
    const answer = await sendToPod(connection, `/tap?${new URLSearchParams(tapSearch(query))}`);
    if (answer.statusCode !== 200) throw refusal(name, answer.statusCode, await textOf(answer));
    for await (const line of createInterface({ input: answer, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (line !== "") yield JSON.parse(line) as TapEvent | TapLoss;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener("abort", stop);
    connection.destroy();
  }
}

function refusal(pod: string, status: number | undefined, text: string): ClusterRefusal {
  if (status !== 404)
    return new ClusterRefusal(`The proxy of pod "${pod}" can't be tapped: ${errorOf(text)}`);
  const hint = `give it one of now: kubectl rollout restart its workload`;
  return new ClusterRefusal(`The proxy of pod "${pod}" is of a release that can't be tapped`, hint);
}

function errorOf(text: string): string {
  try {
    return String((JSON.parse(text) as { readonly error?: unknown }).error);
  } catch {
    return text.slice(0, 200);
  }
}
