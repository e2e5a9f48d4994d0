// TLS as a server: a sidecar's mTLS with the workload's own certificate, and a gateway's as its servers say.

import type { TransportSocketSchema } from "../../gen/envoy/config/core/v3/base_pb.ts";
import type { CertificateValidationContextSchema } from "../../gen/envoy/extensions/transport_sockets/tls/v3/common_pb.ts";
import { DownstreamTlsContextSchema } from "../../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts";
import { type ClaimedField, claims } from "../../kinds/claims.ts";
import { gatewayKind } from "../../kinds/gateway/gateway.ts";
import type { ServerTlsSettings } from "../../kinds/gateway/server.ts";
import { isAlpnProtocol } from "../../kinds/gateway/tls-parameters.ts";
import { meshConfigKind } from "../../kinds/mesh-config/mesh-config.ts";
import type { GatewayChain, ListenerSettings } from "../../view/listener-inputs.ts";
import { type Plain, typedConfig } from "../encode.ts";
import {
  agentSecret,
  controlPlaneSecret,
  fileSecret,
  WORKLOAD_CERTIFICATE,
  WORKLOAD_ROOTS,
} from "../secret/secret-config.ts";
import { exactNames } from "../subject-alt-names.ts";
import { knownOf, tlsParameters, withTlsDefaults } from "../tls-parameters.ts";

type TransportSocketInit = Plain<typeof TransportSocketSchema>;
type DownstreamTlsContextInit = Plain<typeof DownstreamTlsContextSchema>;

export const downstreamTlsFields: readonly ClaimedField[] = [
  ...claims(meshConfigKind, [
    "spec.meshMTLS.minProtocolVersion",
    "spec.meshMTLS.cipherSuites",
    "spec.meshMTLS.ecdhCurves",
    "spec.tlsDefaults.cipherSuites",
    "spec.tlsDefaults.ecdhCurves",
  ]),
  ...claims(gatewayKind, "spec.servers[].tls", [
    "mode",
    "credentialName",
    "credentialNames",
    "caCertCredentialName",
    "serverCertificate",
    "privateKey",
    "caCertificates",
    "tlsCertificates[].serverCertificate",
    "tlsCertificates[].privateKey",
    "subjectAltNames",
    "verifyCertificateSpki",
    "verifyCertificateHash",
    "minProtocolVersion",
    "maxProtocolVersion",
    "cipherSuites",
    "ecdhCurves",
    "alpnProtocols",
  ]),
];

interface MeshServer {
  readonly alpnProtocols: readonly string[];
  readonly settings: ListenerSettings;
  readonly subjectAltNames?: readonly string[];
}

/** A sidecar's side of mTLS: any workload of the mesh may connect, or those named; policies decide who may do what. */
export function meshServerTls({
  alpnProtocols,
  settings,
  subjectAltNames = [],
}: MeshServer): TransportSocketInit {
  return tlsSocket({
    requireClientCertificate: true,
    commonTlsContext: {
      tlsParams: tlsParameters(settings.meshTls ?? {}, settings.tlsCompliance),
      alpnProtocols: [...alpnProtocols],
      tlsCertificateSdsSecretConfigs: [agentSecret(WORKLOAD_CERTIFICATE)],
      validationContextType: {
        case: "combinedValidationContext",
        value: {
          defaultValidationContext: { matchTypedSubjectAltNames: exactNames(subjectAltNames) },
          validationContextSdsSecretConfig: agentSecret(WORKLOAD_ROOTS),
        },
      },
    },
  });
}

interface GatewayServer {
  readonly isHttp: boolean;
  readonly settings: ListenerSettings;
}

export function gatewayServerTls(
  tls: NonNullable<GatewayChain["tls"]>,
  { isHttp, settings: meshSettings }: GatewayServer,
): TransportSocketInit {
  const { settings } = tls;
  const alpnProtocols = alpnOf(settings, isHttp);
  if (settings.mode === "ISTIO_MUTUAL") {
    const { subjectAltNames = [] } = settings;
    return meshServerTls({ alpnProtocols, subjectAltNames, settings: meshSettings });
  }
  const wantsClient = settings.mode === "MUTUAL" || settings.mode === "OPTIONAL_MUTUAL";
  return tlsSocket({
    requireClientCertificate: settings.mode === "MUTUAL",
    commonTlsContext: {
      tlsParams: tlsParameters(
        withTlsDefaults(settings, meshSettings.tlsDefaults),
        meshSettings.tlsCompliance,
      ),
      alpnProtocols: [...alpnProtocols],
      tlsCertificateSdsSecretConfigs: tls.secrets.map(secretConfig),
      ...(wantsClient ? { validationContextType: clientValidation(tls) } : {}),
    },
  });
}

function alpnOf({ alpnProtocols = [] }: ServerTlsSettings, isHttp: boolean): readonly string[] {
  if (alpnProtocols.length > 0) return knownOf(alpnProtocols, isAlpnProtocol);
  return isHttp ? ["h2", "http/1.1"] : [];
}

function clientValidation({ settings, caSecret }: NonNullable<GatewayChain["tls"]>) {
  const checks: Plain<typeof CertificateValidationContextSchema> = {
    matchTypedSubjectAltNames: exactNames(settings.subjectAltNames ?? []),
    verifyCertificateSpki: [...(settings.verifyCertificateSpki ?? [])],
    verifyCertificateHash: [...(settings.verifyCertificateHash ?? [])],
    // OPTIONAL_MUTUAL lets a client without a certificate in; one with a certificate must have a good one.
  };
  if (caSecret === undefined) return { case: "validationContext" as const, value: checks };
  return {
    case: "combinedValidationContext" as const,
    value: { defaultValidationContext: checks, validationContextSdsSecretConfig: secretConfig(caSecret) },
  };
}

/** Files are served by the agent, Secrets by the control plane. */
function secretConfig(name: string) {
  return name.startsWith("file-") ? fileSecret(name) : controlPlaneSecret(name);
}

function tlsSocket(context: DownstreamTlsContextInit): TransportSocketInit {
  return {
    name: "envoy.transport_sockets.tls",
    configType: { case: "typedConfig", value: typedConfig(DownstreamTlsContextSchema, context) },
  };
}
