// The control plane's own certificate, signed by its own CA: one for all that it serves, and for its calls of other
// replicas. It is renewed for as long as the process lives.

import { startCertificateRotation, type WorkloadCertificate } from "../agent/certificate-rotation.ts";
import { systemClock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import type { CertificateAuthority } from "../identity/certificate-authority.ts";
import { createControlPlaneSigner } from "../identity/control-plane-certificate.ts";
import type { SubjectAlternativeNames } from "../identity/subject-alternative-name.ts";

export interface ControlPlaneIdentity {
  /** The newest. */
  current(): WorkloadCertificate;
  /** Calls at each new one; returns what ends it. */
  watch(listener: (certificate: WorkloadCertificate) => void): () => void;
}

/** Resolves with the first certificate. `names`: by which clients dial the control plane. */
export async function openControlPlaneIdentity(
  authority: CertificateAuthority,
  { names, log }: { readonly names: SubjectAlternativeNames; readonly log: Logger },
): Promise<ControlPlaneIdentity> {
  const rotation = startCertificateRotation(createControlPlaneSigner(authority, names), {
    names,
    clock: systemClock,
    random: Math.random,
    log,
  });
  let current = await new Promise<WorkloadCertificate>((resolve) => {
    const end = rotation.watch((first) => {
      resolve(first);
      queueMicrotask(() => end());
    });
  });
  rotation.watch((renewed) => {
    current = renewed;
  });
  return { current: () => current, watch: (listener) => rotation.watch(listener) };
}
