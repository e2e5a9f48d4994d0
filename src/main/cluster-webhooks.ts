// The control plane's webhooks in a cluster: served with a certificate of the mesh's own CA, injecting by the mesh's
// configuration as it is at that moment.

import type { Logger } from "../core/logger.ts";
import type { ClusterInjection } from "../plane/cluster/cluster-injection.ts";
import type { ClusterSettings } from "../plane/control-plane-settings.ts";
import type { ControlPlane } from "../plane/create-control-plane.ts";
import type { ControlPlaneIdentity } from "../serving/control-plane-identity.ts";
import {
  createWebhookServer,
  type WebhookServer,
  type WebhookServerEvents,
} from "../webhook/webhook-server.ts";

export interface ClusterWebhooksOptions {
  readonly settings: ClusterSettings;
  readonly plane: Pick<ControlPlane, "submittedProblems">;
  readonly injection: Pick<ClusterInjection, "settingsFor">;
  readonly identity: ControlPlaneIdentity;
  readonly host: string;
  readonly events: WebhookServerEvents;
  readonly log: Logger;
}

export async function serveWebhooks(
  options: ClusterWebhooksOptions,
): Promise<{ readonly server: WebhookServer; readonly port: number }> {
  const { identity, events, log, settings, plane, injection, host } = options;
  const certificate = identity.current();
  const server = createWebhookServer({
    log,
    certificate,
    events,
    injectionSettings: injection.settingsFor,
    problemsBesideOthers: plane.submittedProblems,
  });
  identity.watch((renewed) => server.updateCertificate(renewed));
  return { server, port: await server.listen(settings.webhookPort, host) };
}
