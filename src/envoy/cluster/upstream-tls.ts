// TLS towards a cluster's endpoints: automatic mTLS, Istio mutual, or as the DestinationRule says.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { isWildcard } from "../../core/hostname.ts";
import { isHttp2, isSniffed, isTcp, type Protocol } from "../../core/protocol.ts";
import type { TlsCompliance } from "../../core/tls-compliance.ts";
import { RawBufferSchema } from "../../gen/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.ts";
import {
  type CommonTlsContext_CombinedCertificateValidationContextSchema,
  UpstreamTlsContextSchema,
} from "../../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts";
import { claims } from "../../kinds/claims.ts";
import type { ClientTlsSettings } from "../../kinds/destination-rule/client-tls.ts";
import { destinationRuleKind } from "../../kinds/destination-rule/destination-rule.ts";
import { meshConfigKind } from "../../kinds/mesh-config/mesh-config.ts";
import type { OutboundClusterInputs, UpstreamTls } from "../../view/cluster-inputs.ts";
import { HTTP1_ALPN, HTTP2_ALPN, TCP_ALPN } from "../application-protocol.ts";
import { typedConfig } from "../encode.ts";
import {
  agentSecret,
  controlPlaneSecret,
  fileSecret,
  SYSTEM_ROOTS,
  WORKLOAD_CERTIFICATE,
  WORKLOAD_ROOTS,
} from "../secret/secret-config.ts";
import { exactNames } from "../subject-alt-names.ts";
import { type TlsLimits, tlsParameters, withTlsDefaults } from "../tls-parameters.ts";
import type { ClusterDraft, ClusterFeature } from "./cluster-feature.ts";
import { hasHttp2Upstream } from "./http-protocol.ts";

type UpstreamTlsContextInit = MessageInitShape<typeof UpstreamTlsContextSchema>;
type ValidationInit = MessageInitShape<typeof CommonTlsContext_CombinedCertificateValidationContextSchema>;

const TLS_SOCKET = "envoy.transport_sockets.tls";

export const upstreamTlsFeature: ClusterFeature = {
  fields: [
    ...claims(destinationRuleKind, "spec.trafficPolicy.tls", [
      "mode",
      "clientCertificate",
      "privateKey",
      "caCertificates",
      "credentialName",
      "subjectAltNames",
      "sni",
      "insecureSkipVerify",
    ]),
    ...claims(meshConfigKind, ["spec.enableAutoMtls"]),
  ],
  apply(inputs, draft) {
    const { tls } = inputs;
    if (tls.kind === "automatic") applyAutomatic(tls, inputs, draft);
    else if (tls.kind === "mesh") draft.cluster.transportSocket = tlsSocket(meshContext(tls, inputs));
    else if (tls.kind === "configured") {
      draft.cluster.transportSocket = tlsSocket(configuredContext(tls, inputs));
      draft.http.upstreamHttpProtocolOptions = ofRequestedHost(tls.settings);
    }
  },
};

function applyAutomatic(
  tls: Extract<UpstreamTls, { kind: "automatic" }>,
  inputs: OutboundClusterInputs,
  { cluster }: ClusterDraft,
): void {
  cluster.transportSocketMatches = [
    {
      name: "tlsMode-istio",
      match: { tlsMode: "istio" },
      transportSocket: tlsSocket(meshContext({ ...tls, subjectAltNames: [] }, inputs)),
    },
    {
      name: "tlsMode-disabled",
      match: {},
      transportSocket: {
        name: "envoy.transport_sockets.raw_buffer",
        configType: { case: "typedConfig", value: typedConfig(RawBufferSchema, {}) },
      },
    },
  ];
}

interface MeshTls {
  readonly serverName: string;
  readonly identities: readonly string[];
  readonly subjectAltNames: readonly string[];
}

function meshContext(tls: MeshTls, inputs: OutboundClusterInputs): UpstreamTlsContextInit {
  const names = tls.subjectAltNames.length > 0 ? tls.subjectAltNames : tls.identities;
  return {
    sni: tls.serverName,
    commonTlsContext: {
      tlsParams: modernTls({}, inputs.tlsCompliance),
      alpnProtocols: [...meshAlpn(inputs)],
      tlsCertificateSdsSecretConfigs: [agentSecret(WORKLOAD_CERTIFICATE)],
      validationContextType: {
        case: "combinedValidationContext",
        value: {
          defaultValidationContext: { matchTypedSubjectAltNames: exactNames(names) },
          validationContextSdsSecretConfig: agentSecret(WORKLOAD_ROOTS),
        },
      },
    },
  };
}

function meshAlpn(inputs: OutboundClusterInputs): readonly string[] {
  if (isSniffed(inputs.protocol) || isTcp(inputs.protocol)) return TCP_ALPN;
  return hasHttp2Upstream(inputs) ? HTTP2_ALPN : HTTP1_ALPN;
}

/**
 * Without names in the rule, TLS origination is for the host that each request asks for: its name is sent, and is the
 * one that the server's certificate must have.
 */
function ofRequestedHost({ sni = "", subjectAltNames = [], insecureSkipVerify = false }: ClientTlsSettings) {
  if (sni !== "") return undefined;
  return { autoSni: true, autoSanValidation: subjectAltNames.length === 0 && !insecureSkipVerify };
}

function configuredContext(
  tls: Extract<UpstreamTls, { kind: "configured" }>,
  inputs: OutboundClusterInputs,
): UpstreamTlsContextInit {
  const { settings, defaults } = tls;
  return {
    // Of bytes nothing tells the host that they are for.
    sni: settings.sni || (isWildcard(inputs.hostname) ? "" : inputs.hostname),
    commonTlsContext: {
      tlsParams: modernTls(withTlsDefaults({}, defaults), inputs.tlsCompliance),
      alpnProtocols: originationAlpn(inputs.protocol, hasHttp2Upstream(inputs)),
      tlsCertificateSdsSecretConfigs: clientCertificate(settings),
      ...validation(tls),
    },
  };
}

function originationAlpn(protocol: Protocol, isUpgraded: boolean): string[] {
  if (isUpgraded || isHttp2(protocol)) return ["h2"];
  return isTcp(protocol) || isSniffed(protocol) ? [] : ["http/1.1"];
}

function clientCertificate(settings: ClientTlsSettings) {
  if (settings.mode !== "MUTUAL") return [];
  if (settings.credentialName !== undefined)
    return [controlPlaneSecret(`kubernetes://${settings.credentialName}`)];
  return [fileSecret(`file-cert:${settings.clientCertificate}~${settings.privateKey}`)];
}

function validation({ settings, subjectAltNames }: Extract<UpstreamTls, { kind: "configured" }>) {
  if (settings.insecureSkipVerify) return {};
  const value: ValidationInit = {
    defaultValidationContext: { matchTypedSubjectAltNames: exactNames(subjectAltNames) },
    validationContextSdsSecretConfig: rootsOf(settings),
  };
  return { validationContextType: { case: "combinedValidationContext" as const, value } };
}

function rootsOf({ credentialName, caCertificates }: ClientTlsSettings) {
  if (credentialName !== undefined) return controlPlaneSecret(`kubernetes://${credentialName}-cacert`);
  // Where no CA is named, whom the machine trusts. A file name in the cluster itself would have Envoy refuse it where
  // there is no such file.
  const isSystem = caCertificates === undefined || caCertificates === "system";
  return fileSecret(isSystem ? SYSTEM_ROOTS : `file-root:${caCertificates}`);
}

// Envoy as a client stops at TLS 1.2 by default.
function modernTls(limits: TlsLimits, compliance: TlsCompliance | undefined) {
  const versions = { minProtocolVersion: "TLSV1_2", maxProtocolVersion: "TLSV1_3" };
  return tlsParameters({ ...limits, ...versions }, compliance);
}

function tlsSocket(context: UpstreamTlsContextInit) {
  return {
    name: TLS_SOCKET,
    configType: { case: "typedConfig" as const, value: typedConfig(UpstreamTlsContextSchema, context) },
  };
}
