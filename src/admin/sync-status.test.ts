import assert from "node:assert/strict";
import { test } from "node:test";
import type { FleetSession } from "../fleet/fleet-session.ts";
import { syncStatuses } from "./sync-status.ts";

/** A proxy that was sent the response n of each type at place n, and accepted those before the last two. */
function sessionOf(sentTypes: readonly string[]): FleetSession {
  const noncesOf = (type: string) => {
    const place = sentTypes.indexOf(type);
    if (place < 0) return { sent: "", acknowledged: "" };
    return { sent: `${place}`, acknowledged: place < sentTypes.length - 2 ? `${place}` : "" };
  };
  const proxy = { name: "web-1", namespace: "shop", kind: "sidecar" };
  const origin = { clusterId: "Kubernetes", meshVersion: "0.1.0" };
  return { proxy, origin, envoyVersion: "1.40.0", ledger: { noncesOf } } as unknown as FleetSession;
}

test("syncStatuses() has the nonces of each type that was sent, and of each that was accepted", () => {
  const sent = ["cluster", "endpoint", "listener", "route", "extension-config"];
  assert.deepEqual(syncStatuses([sessionOf(sent)]), [
    {
      cluster_id: "Kubernetes",
      proxy: "web-1.shop",
      proxy_type: "sidecar",
      proxy_version: "1.40.0",
      istio_version: "0.1.0",
      cluster_sent: "0",
      cluster_acked: "0",
      endpoint_sent: "1",
      endpoint_acked: "1",
      listener_sent: "2",
      listener_acked: "2",
      route_sent: "3",
      extensionconfig_sent: "4",
    },
  ]);
});

test("syncStatuses() leaves out what was never sent, and has every proxy", () => {
  const statuses = syncStatuses([sessionOf([]), sessionOf(["cluster"])]);
  assert.deepEqual(
    statuses.map((status) => Object.keys(status).filter((name) => /_sent$|_acked$/.test(name))),
    [[], ["cluster_sent"]],
  );
});
