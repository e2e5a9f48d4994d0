// What became of requests for certificates, under the names of Istio's CA.

import { Counter, Gauge, type Registry } from "prom-client";

/** Fits the certificate service. */
export interface CertificateEvents {
  requested(): void;
  signed(): void;
  refused(status: "UNAUTHENTICATED" | "PERMISSION_DENIED" | "INVALID_ARGUMENT"): void;
}

export function certificateMetrics(
  registers: Registry[],
  notAfterMs: () => number | undefined,
): CertificateEvents {
  const counter = (name: string, help: string) => new Counter({ name, help, registers });
  const requests = counter("citadel_server_csr_count", "Requests for certificates");
  const issued = counter("citadel_server_success_cert_issuance_count", "Certificates that were signed");
  const refusals = {
    UNAUTHENTICATED: counter(
      "citadel_server_authentication_failure_count",
      "Requests of callers who didn't prove who they are",
    ),
    PERMISSION_DENIED: counter(
      "citadel_server_id_extraction_err_count",
      "Requests for another identity than the caller's",
    ),
    INVALID_ARGUMENT: counter("citadel_server_csr_parsing_err_count", "Requests that couldn't be read"),
  };
  new Gauge({
    name: "citadel_server_root_cert_expiry_timestamp",
    help: "When the signing certificate ends, in seconds since the Unix epoch",
    registers,
    collect() {
      const endMs = notAfterMs();
      if (endMs !== undefined) this.set(endMs / 1000);
    },
  });
  return {
    requested: () => requests.inc(),
    signed: () => issued.inc(),
    refused: (status) => refusals[status].inc(),
  };
}
