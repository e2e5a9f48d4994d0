// The control plane's own server certificate: the names that agents and Envoys dial it by, signed by its own CA.

import { spiffeId } from "../core/spiffe-id.ts";
import type { CertificateAuthority } from "./certificate-authority.ts";
import { parseCertificateRequest } from "./certificate-request.ts";
import type { SubjectAlternativeNames } from "./subject-alternative-name.ts";

export interface ControlPlaneNameOptions {
  readonly trustDomain: string;
  /** Default `meltemi-system`. */
  readonly namespace?: string;
  /** Default `meltemi`. */
  readonly serviceAccount?: string;
  /** More DNS names, such as those of a revision's Service or a load balancer. */
  readonly extraDnsNames?: readonly string[];
}

/** Istio's own name stands among them, so that its agents, configured for `istiod.istio-system.svc`, find what they expect. */
export function controlPlaneNames(options: ControlPlaneNameOptions): SubjectAlternativeNames {
  const {
    trustDomain,
    namespace = "meltemi-system",
    serviceAccount = "meltemi",
    extraDnsNames = [],
  } = options;
  const hosts = [`meltemi.${namespace}`, "istiod.istio-system", `istiod.${namespace}`];
  const dnsNames = hosts.flatMap((host) => [`${host}.svc`, `${host}.svc.cluster.local`]);
  return {
    uris: [spiffeId({ trustDomain, namespace, serviceAccount })],
    dnsNames: [...new Set([...dnsNames, ...extraDnsNames])],
    ipAddresses: [],
  };
}

/** Signs the control plane's requests in its own process, in the shape that certificate rotation asks for. */
export function createControlPlaneSigner(
  authority: CertificateAuthority,
  names: SubjectAlternativeNames,
): (csrPem: string, ttlMs: number) => Promise<readonly string[]> {
  return async (csrPem, ttlMs) => {
    const parsed = parseCertificateRequest(csrPem);
    if (parsed.kind === "refused")
      throw new Error(`Cannot read our own certificate request: ${parsed.reason}`);
    return authority.issue({ publicKey: parsed.request.publicKey, names, ttlMs });
  };
}
