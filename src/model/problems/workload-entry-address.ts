// A WorkloadEntry that has the address of a pod: two workloads then say that they are behind it, and what calls of the one
// find is the other. The pod's own policies and identity stay what they are.

import { addressKey } from "../../core/cidr.ts";
import type { Problem } from "../../core/problem.ts";
import type { WorkloadEntry } from "../../kinds/workload-entry.ts";
import { type CheckContext, problemAt } from "./check.ts";

export function* checkWorkloadEntryAddress(
  object: WorkloadEntry,
  { read, model }: CheckContext,
): Iterable<Problem> {
  const { address = "", network = "" } = object.spec;
  const key = addressKey(address);
  // On another network the same address is another place.
  if (key === undefined || network !== "") return;
  const [first] = read.find(model.workloads.byOwnAddress, key);
  if (first === undefined) return;
  const [, { namespace, name, serviceAccount }] = first;
  yield problemAt(object, "spec.address", {
    code: "MLT2045",
    message: `${address} is the address of pod "${namespace}/${name}", which runs as ServiceAccount "${serviceAccount}", and stays the pod's`,
    hint: "a WorkloadEntry is for a workload outside of the cluster; a pod is selected by its labels",
  });
}
