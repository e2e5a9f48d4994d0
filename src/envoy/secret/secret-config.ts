// References to secrets: the workload's own come from its agent over a unix socket, a gateway's from the
// control plane over ADS. The bootstrap defines the cluster that the agent's reference names.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { ApiConfigSource_ApiType, ApiVersion } from "../../gen/envoy/config/core/v3/config_source_pb.ts";
import type { SdsSecretConfigSchema } from "../../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts";
import { ZERO_DURATION } from "../duration-message.ts";

type SdsSecretConfigInit = MessageInitShape<typeof SdsSecretConfigSchema>;

export const AGENT_SECRETS_CLUSTER = "sds-grpc";
export const WORKLOAD_CERTIFICATE = "default";
export const WORKLOAD_ROOTS = "ROOTCA";

/** A secret that the agent serves: `default`, `ROOTCA`, `file-cert:CERT~KEY`, `file-root:CA`. */
export function agentSecret(name: string): SdsSecretConfigInit {
  return {
    name,
    sdsConfig: {
      configSourceSpecifier: {
        case: "apiConfigSource",
        value: {
          apiType: ApiConfigSource_ApiType.GRPC,
          transportApiVersion: ApiVersion.V3,
          setNodeOnFirstMessageOnly: true,
          grpcServices: [
            { targetSpecifier: { case: "envoyGrpc", value: { clusterName: AGENT_SECRETS_CLUSTER } } },
          ],
        },
      },
      // The agent always answers, sooner or later; a timeout would let a listener start without its certificate.
      initialFetchTimeout: ZERO_DURATION,
      resourceApiVersion: ApiVersion.V3,
    },
  };
}

/** A secret that the control plane serves: `kubernetes://namespace/name`. */
export function controlPlaneSecret(name: string): SdsSecretConfigInit {
  return {
    name,
    sdsConfig: {
      configSourceSpecifier: { case: "ads", value: {} },
      initialFetchTimeout: ZERO_DURATION,
      resourceApiVersion: ApiVersion.V3,
    },
  };
}
