// The control plane's webhooks in a cluster: served with a certificate of the mesh's own CA, injecting by the mesh's
// configuration as it is at that moment.

import { startCertificateRotation, type WorkloadCertificate } from "../agent/certificate-rotation.ts";
import { systemClock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import type { CertificateAuthority } from "../identity/certificate-authority.ts";
import { createControlPlaneSigner } from "../identity/control-plane-certificate.ts";
import type { SubjectAlternativeNames } from "../identity/subject-alternative-name.ts";
import { createWebhookServer, type WebhookServer } from "../webhook/webhook-server.ts";
import type { ClusterInjection } from "./cluster-injection.ts";
import type { ClusterSettings } from "./control-plane-settings.ts";

export interface ClusterWebhooksOptions {
  readonly settings: ClusterSettings;
  readonly injection: Pick<ClusterInjection, "settingsFor">;
  readonly authority: CertificateAuthority;
  /** By which the API server dials the control plane, among others. */
  readonly names: SubjectAlternativeNames;
  readonly host: string;
  readonly log: Logger;
}

/** Its certificate is renewed for as long as the process lives. */
export async function serveWebhooks(
  options: ClusterWebhooksOptions,
): Promise<{ readonly server: WebhookServer; readonly port: number }> {
  const { authority, names, log, settings, injection, host } = options;
  const rotation = startCertificateRotation(createControlPlaneSigner(authority, names), {
    names,
    clock: systemClock,
    random: Math.random,
    log,
  });
  const certificate = await new Promise<WorkloadCertificate>((resolve) => {
    const end = rotation.watch((first) => {
      resolve(first);
      queueMicrotask(() => end());
    });
  });
  const server = createWebhookServer({ log, certificate, injectionSettings: injection.settingsFor });
  rotation.watch((renewed) => server.updateCertificate(renewed));
  return { server, port: await server.listen(settings.webhookPort, host) };
}
