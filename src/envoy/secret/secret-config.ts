// References to secrets: the workload's own and those in files come from its agent over a unix socket, those in
// Kubernetes' Secrets from the control plane over ADS. The bootstrap defines the cluster that the agent's reference names.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { ApiConfigSource_ApiType, ApiVersion } from "../../gen/envoy/config/core/v3/config_source_pb.ts";
import type { SdsSecretConfigSchema } from "../../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts";
import { ZERO_DURATION } from "../duration-message.ts";

type SdsSecretConfigInit = MessageInitShape<typeof SdsSecretConfigSchema>;

export const AGENT_SECRETS_CLUSTER = "sds-grpc";
export const WORKLOAD_CERTIFICATE = "default";
export const WORKLOAD_ROOTS = "ROOTCA";

/** The roots that the proxy's own machine trusts, wherever it keeps them. */
export const SYSTEM_ROOTS = "file-root:system";

// A secret that isn't there is answered as such, and Envoy goes on without it. Should no answer come, as for a file on a
// disk that hangs, it goes on after this time: a cluster that waits for its secret holds up the acknowledgement of all.
const SECRET_WAIT = { seconds: 5n, nanos: 0 };

/** The workload's own, which the agent serves: `default`, `ROOTCA`. */
export function agentSecret(name: string): SdsSecretConfigInit {
  // The agent always answers, sooner or later; a timeout would let a listener start without its certificate.
  return {
    name,
    sdsConfig: { ...agentSource(ApiConfigSource_ApiType.GRPC), initialFetchTimeout: ZERO_DURATION },
  };
}

/** From files in the pod, if it has them: `file-cert:CERT~KEY`, `file-root:CA`. In the form that can say it has none. */
export function fileSecret(name: string): SdsSecretConfigInit {
  return {
    name,
    sdsConfig: { ...agentSource(ApiConfigSource_ApiType.DELTA_GRPC), initialFetchTimeout: SECRET_WAIT },
  };
}

function agentSource(apiType: ApiConfigSource_ApiType) {
  return {
    configSourceSpecifier: {
      case: "apiConfigSource" as const,
      value: {
        apiType,
        transportApiVersion: ApiVersion.V3,
        setNodeOnFirstMessageOnly: true,
        grpcServices: [
          {
            targetSpecifier: {
              case: "envoyGrpc" as const,
              value: { clusterName: AGENT_SECRETS_CLUSTER },
            },
          },
        ],
      },
    },
    resourceApiVersion: ApiVersion.V3,
  };
}

/** A secret that the control plane serves: `kubernetes://name`. */
export function controlPlaneSecret(name: string): SdsSecretConfigInit {
  return {
    name,
    sdsConfig: {
      configSourceSpecifier: { case: "ads", value: {} },
      initialFetchTimeout: SECRET_WAIT,
      resourceApiVersion: ApiVersion.V3,
    },
  };
}
