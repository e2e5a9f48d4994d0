// Hosts of ServiceEntries that nothing in a connection tells apart: bytes that carry no host, on one port, to one address
// or to none. Then one host gets what is meant for all.

import { type ObjectKey, objectKeyText } from "../../core/object-key.ts";
import type { Problem } from "../../core/problem.ts";
import type { ServiceEntry } from "../../kinds/service-entry/service-entry.ts";
import {
  byAge,
  hasOwnListener,
  isMadeBy,
  isPlain,
  type MeshService,
  type MeshServicePort,
} from "../service.ts";
import { keyOf } from "../sources.ts";
import { haveCommonViewer } from "../visibility.ts";
import { type CheckContext, problemAt } from "./check.ts";

export function* checkIndistinctHosts(object: ServiceEntry, context: CheckContext): Iterable<Problem> {
  const { read, model } = context;
  const key = keyOf(object);
  const own = read
    .find(model.servicesByNamespace, object.metadata.namespace)
    .map(([, service]) => service)
    .filter((service) => isMadeBy(service, key))
    .sort((one, other) => (one.hostname < other.hostname ? -1 : 1));
  const [first] = own;
  // Where the client's address counts, each host's traffic reaches it, whatever its cluster is called.
  if (first === undefined || first.resolution === "none") return;
  for (const port of first.ports.filter(({ protocol }) => isPlain(protocol))) {
    const sentence = sharedSentence(own, port, object) ?? portSentence(first, port, { key, context });
    if (sentence === undefined) continue;
    yield problemAt(object, "spec.hosts", {
      code: "MLT2037",
      message: sentence,
      hint: hasOwnListener(first)
        ? "give each host a ServiceEntry with an address of its own"
        : "give each host an address of its own, or let clients capture DNS: ISTIO_META_DNS_CAPTURE in their proxyMetadata",
    });
  }
}

/** Hosts of one entry with endpoints lead to the same ones. */
function sharedSentence(
  own: readonly MeshService[],
  { number, protocol }: MeshServicePort,
  { spec: { addresses = [], endpoints = [], workloadSelector } }: ServiceEntry,
): string | undefined {
  const [first, second] = own;
  const isOnePlace = endpoints.length > 0 || workloadSelector !== undefined;
  if (first === undefined || second === undefined || isOnePlace || !hasOwnListener(first)) return undefined;
  const address = addresses.find((each) => !each.includes("/"));
  return `${protocol} to ${address}:${number} goes to "${first.hostname}" alone: it doesn't say for which of ${own.length} hosts it is`;
}

/** On the listener of every address the oldest service that has no address takes all. */
function portSentence(
  first: MeshService,
  { number, protocol }: MeshServicePort,
  { key, context }: { readonly key: ObjectKey; readonly context: CheckContext },
): string | undefined {
  const { read, indexes, sources } = context;
  if (hasOwnListener(first) || first.addresses.length > 0) return undefined;
  const metadata = read.get(sources.MeshConfig, "/mesh")?.spec?.defaultConfig?.proxyMetadata ?? {};
  if (metadata.ISTIO_META_DNS_CAPTURE === "true") return undefined;
  const [winner] = read
    .find(indexes.plainServicesByPort, String(number))
    .map(([, service]) => service)
    .filter((other) => other.resolution !== "none" && haveCommonViewer(other.visibility, first.visibility))
    .sort((one, other) => byAge(one, other) || (one.hostname < other.hostname ? -1 : 1));
  if (winner === undefined || winner.hostname === first.hostname || winner.object === key) return undefined;
  return `${protocol} to port ${number} goes to "${winner.hostname}" of ${objectKeyText(winner.object)}, which is older: without an address nothing tells the two apart`;
}
