// The Envoy that tests run, and where their sockets live.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { BootstrapOptions } from "../../src/agent/bootstrap/bootstrap-options.ts";
import { findEnvoy } from "../../src/agent/envoy-binary.ts";

/** The path of a real Envoy, found without fetching; fails the test where there is none. */
export async function testEnvoyPath(): Promise<string> {
  const found = await findEnvoy({ env: process.env, mayFetch: false });
  if ("problem" in found) throw new Error(found.problem.message);
  return found.envoy.path;
}

/** A directory of few characters, for sockets, removed after the test. */
export async function testDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "mlt-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export function testBootstrapOptions(directory: string): BootstrapOptions {
  return {
    node: {
      id: "sidecar~10.244.0.5~reviews-v1-0.shop~shop.svc.cluster.local",
      cluster: "reviews.shop",
      metadata: {
        NAME: "reviews-v1-0",
        NAMESPACE: "shop",
        LABELS: { app: "reviews", version: "v1" },
        INSTANCE_IPS: "10.244.0.5",
        PROXY_CONFIG: { concurrency: 2 },
      },
      locality: { region: "eu", zone: "eu-1" },
    },
    controlPlane: {
      kind: "unix",
      path: join(directory, "xds.sock"),
      tlsServerName: "meltemi.meltemi-system.svc",
    },
    sockets: {
      sds: join(directory, "sds.sock"),
      agent: join(directory, "agent.sock"),
      admin: join(directory, "admin.sock"),
      app: join(directory, "app.sock"),
    },
  };
}
