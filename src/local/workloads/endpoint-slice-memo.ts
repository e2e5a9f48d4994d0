// The EndpointSlices of Services, made again only where the Service or one of its pods is another than when they were
// made: among 1,000 Services most passes are for one of them.

import type { EndpointSlice } from "../../kinds/endpoint-slice.ts";
import type { Pod } from "../../kinds/pod/pod.ts";
import type { Service } from "../../kinds/service.ts";
import { buildEndpointSlices, isSelected } from "./endpoint-slices.ts";
import { stableJson } from "./template-hash.ts";

interface Made {
  readonly pods: readonly Pod[];
  readonly slices: readonly EndpointSlice[];
}

export class EndpointSliceMemo {
  readonly #madeByService = new WeakMap<Service, Made>();
  readonly #wantedByPublished = new WeakMap<EndpointSlice, EndpointSlice>();

  slicesOf(service: Service, pods: readonly Pod[]): readonly EndpointSlice[] {
    const selected = pods.filter((pod) => isSelected(service, pod));
    const known = this.#madeByService.get(service);
    if (known !== undefined && isSameList(known.pods, selected)) return known.slices;
    const slices = buildEndpointSlices(service, selected);
    this.#madeByService.set(service, { pods: selected, slices });
    return slices;
  }

  /** Whether what is published means what is wanted. */
  isPublished(published: EndpointSlice | undefined, wanted: EndpointSlice): boolean {
    if (published === undefined) return false;
    if (this.#wantedByPublished.get(published) === wanted) return true;
    if (meaningOf(published) !== meaningOf(wanted)) return false;
    this.#wantedByPublished.set(published, wanted);
    return true;
  }
}

function meaningOf({ metadata, endpoints, ports }: EndpointSlice): string {
  return stableJson({ labels: metadata.labels ?? {}, endpoints, ports });
}

function isSameList<T>(one: readonly T[], other: readonly T[]): boolean {
  return one.length === other.length && one.every((item, at) => item === other[at]);
}
