// A Pod that the user declared without a controller, as a function: made once, made anew when it was changed
// (Kubernetes would refuse the change), never restarted after it finished.

import type { Pod } from "../../kinds/pod/pod.ts";
import { isTerminating } from "./pod-condition.ts";
import { templateHash } from "./template-hash.ts";
import type { WorkloadPlan } from "./workload-plan.ts";

const REVISION_ANNOTATION = "local.meltemi.dev/template-hash";

/** `running` is the pod of the declared one's name, if there is any. */
export function planPod(declared: Pod, running: Pod | undefined): Pick<WorkloadPlan, "create" | "remove"> {
  const { metadata, spec } = declared;
  const revision = templateHash({
    spec,
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
  });
  if (running !== undefined) {
    const isCurrent = running.metadata.annotations?.[REVISION_ANNOTATION] === revision;
    return { create: [], remove: isCurrent || isTerminating(running) ? [] : [running] };
  }
  const annotations = { ...metadata.annotations, [REVISION_ANNOTATION]: revision };
  const { name, namespace, labels } = metadata;
  const pod: Pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, ...(labels === undefined ? {} : { labels }), annotations },
    spec,
  };
  return { create: [pod], remove: [] };
}
