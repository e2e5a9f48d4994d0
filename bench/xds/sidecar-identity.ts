// Who the simulated sidecars are: like pods of the made-up mesh, by Istio's node ids, two replicas of a workload after another.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { NodeSchema } from "../../src/gen/envoy/config/core/v3/base_pb.ts";
import { benchService, podLabels, podName } from "./mesh-objects.ts";
import type { MeshSize } from "./mesh-size.ts";

export interface SidecarIdentity {
  readonly id: string;
  readonly namespace: string;
  readonly node: MessageInitShape<typeof NodeSchema>;
}

/** Sidecars are dealt to the namespaces one by one: a hundred of them in fifty namespaces share their view with one at most. */
export function sidecarIdentity(index: number, size: MeshSize): SidecarIdentity {
  const { namespaceCount, serviceCount } = size;
  const round = Math.floor(index / namespaceCount);
  const service = benchService(
    ((index % namespaceCount) + namespaceCount * Math.floor(round / 2)) % serviceCount,
    size,
  );
  const replica = round % 2;
  const { namespace } = service;
  // On plaintext a client is believed as long as it is no pod of the mesh, by name or by address (198.18.0.0/15).
  const name = `${podName(service, replica)}-${index}`;
  const address = `198.${18 + ((index >> 16) & 1)}.${(index >> 8) & 255}.${index & 255}`;
  const id = `sidecar~${address}~${name}.${namespace}~${namespace}.svc.cluster.local`;
  return {
    id,
    namespace,
    node: {
      id,
      cluster: `${service.name}.${namespace}`,
      metadata: { NAMESPACE: namespace, NAME: name, LABELS: { ...podLabels(service, replica) } },
      userAgentName: "envoy",
      userAgentVersionType: {
        case: "userAgentBuildVersion",
        value: { version: { majorNumber: 1, minorNumber: 40, patch: 0 } },
      },
    },
  };
}
