// xDS and the certificate service over TLS with a certificate of the mesh's own CA, for the mesh's own workloads.

import type { WorkloadCertificate } from "../agent/certificate-rotation.ts";
import type { Logger } from "../core/logger.ts";
import type { GrpcMethod } from "../grpc/method.ts";
import type { GrpcEndpoint, GrpcListener, GrpcServer } from "../grpc/server.ts";
import { GrpcError } from "../grpc/status.ts";
import type { Authenticator } from "../identity/authenticator.ts";
import type { CertificateAuthority } from "../identity/certificate-authority.ts";
import { createCertificateMethod } from "../identity/certificate-method.ts";
import { type CertificateServiceOptions, createCertificateService } from "../identity/certificate-service.ts";
import type { XdsServer } from "../xds/xds-server.ts";
import type { ControlPlaneIdentity } from "./control-plane-identity.ts";

export interface SecureService {
  readonly grpc: GrpcServer;
  readonly xds: XdsServer;
  readonly authority: CertificateAuthority;
  /** Of whoever asks for a certificate. */
  readonly authenticator: Authenticator;
  /** As in CertificateServiceOptions. */
  readonly describe?: CertificateServiceOptions["describe"];
  readonly certificateEvents?: CertificateServiceOptions["events"];
  readonly identity: ControlPlaneIdentity;
  /** What is served besides. */
  readonly methods?: readonly GrpcMethod[];
  readonly log: Logger;
}

/** To all who can reach the endpoint. */
export async function serveSecurely(endpoint: GrpcEndpoint, service: SecureService): Promise<GrpcListener> {
  const { grpc, xds, authority, authenticator, describe, certificateEvents, identity, log } = service;
  const { methods = [] } = service;
  const certificates = createCertificateMethod(
    createCertificateService(authority, {
      authenticator,
      log,
      ...(describe && { describe }),
      ...(certificateEvents && { events: certificateEvents }),
    }),
    (status, message) => new GrpcError(status, message),
  );
  return listenSecurely(endpoint, {
    grpc,
    identity,
    methods: [...xds.methods({ servesSecrets: true }), certificates, ...methods],
  });
}

/** Methods under the control plane's certificate, which is renewed until the listener is closed. */
export async function listenSecurely(
  endpoint: GrpcEndpoint,
  { grpc, identity, methods }: Required<Pick<SecureService, "grpc" | "identity" | "methods">>,
): Promise<GrpcListener> {
  const listener = await grpc.listen(endpoint, { tls: tlsOf(identity.current()), methods });
  const endWatch = identity.watch((certificate) => listener.updateTls(tlsOf(certificate)));
  return {
    ...listener,
    close() {
      endWatch();
      return listener.close();
    },
  };
}

function tlsOf({ chainPem, keyPem, rootsPem }: WorkloadCertificate) {
  return { certificate: chainPem, key: keyPem.reveal(), clientRoots: rootsPem };
}
