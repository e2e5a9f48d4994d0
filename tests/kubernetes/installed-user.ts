// The control plane's own user on a test's API server: with the rights that an installation gives it, and no others.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { ApiServer } from "./cluster/api-server.ts";
import { writeKubeconfig } from "./cluster/kubectl.ts";

/** Path of a kubeconfig, until the test ends. The ServiceAccount must be there. */
export async function installedUser(t: TestContext, { url, caPem, kubectl }: ApiServer): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `meltemi-rights-${process.pid}-`));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const token = (await kubectl(["-n", "meltemi-system", "create", "token", "meltemi"])).trim();
  const path = join(folder, "kubeconfig");
  await writeKubeconfig(path, { url, caPem, user: { token } });
  return path;
}

export function applyAll({ kubectl }: ApiServer, items: readonly object[]): Promise<string> {
  const input = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  return kubectl(["apply", "--server-side", "-f", "-"], { input });
}
