// xDS and the certificate service over TLS with a certificate of the mesh's own CA, for the mesh's own workloads.

import { startCertificateRotation, type WorkloadCertificate } from "../agent/certificate-rotation.ts";
import { systemClock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import type { GrpcEndpoint, GrpcListener, GrpcServer } from "../grpc/server.ts";
import { GrpcError } from "../grpc/status.ts";
import type { Authenticator } from "../identity/authenticator.ts";
import type { CertificateAuthority } from "../identity/certificate-authority.ts";
import { createCertificateMethod } from "../identity/certificate-method.ts";
import { createCertificateService } from "../identity/certificate-service.ts";
import { createControlPlaneSigner } from "../identity/control-plane-certificate.ts";
import type { SubjectAlternativeNames } from "../identity/subject-alternative-name.ts";
import type { XdsServer } from "../xds/xds-server.ts";

export interface SecureService {
  readonly grpc: GrpcServer;
  readonly xds: XdsServer;
  readonly authority: CertificateAuthority;
  /** Of whoever asks for a certificate. */
  readonly authenticator: Authenticator;
  /** By which clients dial the control plane. */
  readonly names: SubjectAlternativeNames;
  readonly log: Logger;
}

/** Its certificate is renewed for as long as the process lives. */
export async function serveSecurely(endpoint: GrpcEndpoint, service: SecureService): Promise<GrpcListener> {
  const { grpc, xds, authority, authenticator, names, log } = service;
  const certificateService = createCertificateService(authority, { authenticator, log });
  const certificates = createCertificateMethod(
    certificateService,
    (status, message) => new GrpcError(status, message),
  );
  const rotation = startCertificateRotation(createControlPlaneSigner(authority, names), {
    names,
    clock: systemClock,
    random: Math.random,
    log,
  });
  const first = await new Promise<WorkloadCertificate>((resolve) => {
    const end = rotation.watch((certificate) => {
      resolve(certificate);
      queueMicrotask(() => end());
    });
  });
  const methods = [...xds.methods({ servesSecrets: true }), certificates];
  const listener = await grpc.listen(endpoint, { tls: tlsOf(first), methods });
  rotation.watch((certificate) => listener.updateTls(tlsOf(certificate)));
  return listener;
}

function tlsOf({ chainPem, keyPem, rootsPem }: WorkloadCertificate) {
  return { certificate: chainPem, key: keyPem.reveal(), clientRoots: rootsPem };
}
