// The agent's own connection to the control plane, which shows the pod's certificate.

import type { Clock } from "../../core/clock.ts";
import { GrpcClient, type GrpcTarget } from "../../grpc/client.ts";
import type { CertificateRotation } from "../certificate-rotation.ts";

export type SecureAddress = (
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
) & {
  /** The DNS name that the control plane's certificate must carry. */
  readonly serverName: string;
};

/** Undefined while there is no certificate. */
export function openControlPlane(
  { serverName, ...address }: SecureAddress,
  { certificate, clock }: { readonly certificate: CertificateRotation; readonly clock: Clock },
): GrpcClient | undefined {
  const { current } = certificate;
  if (current === undefined) return undefined;
  const { chainPem, keyPem, rootsPem } = current;
  const tls = { certificate: chainPem, key: keyPem.reveal(), serverRoots: rootsPem, serverName };
  const target: GrpcTarget = { ...address, tls };
  return new GrpcClient(target, { clock });
}
