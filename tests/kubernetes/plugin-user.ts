// A user whose credentials come from an exec plugin, as cloud providers have them: a ServiceAccount of the test
// cluster, with the rights that the guide names, and a kubeconfig whose user is a program.

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { projectPath } from "../../src/process/project.ts";
import type { ApiServer } from "./cluster/api-server.ts";

const RBAC_GROUP = "rbac.authorization.k8s.io";
const GUIDE = "docs/guides/command-line-against-a-cluster.md";

/** A test's API server, with nodes or without. */
type TestedServer = Pick<ApiServer, "kubectl" | "url" | "caPem">;

export interface PluginUser {
  readonly kubeconfigPath: string;
  close(): Promise<void>;
}

/** ClusterRoles of the guide, by their names there. */
export type GuideRole = "meltemi-reader" | "meltemi-exec";

/** A user who has these roles of the guide's, under other names, and nothing else. */
export async function createReader(
  cluster: TestedServer,
  name: string,
  roles: readonly GuideRole[] = ["meltemi-reader"],
): Promise<PluginUser> {
  const pageRoles = await readGuideRoles();
  const items = roles.flatMap((role) => {
    const metadata = { name: `${name}-${role}` };
    const roleRef = { apiGroup: RBAC_GROUP, kind: "ClusterRole", name: metadata.name };
    const subjects = [{ kind: "ServiceAccount", name, namespace: "default" }];
    const binding = { apiVersion: `${RBAC_GROUP}/v1`, kind: "ClusterRoleBinding", metadata };
    return [
      { ...pageRoles.get(role), metadata },
      { ...binding, roleRef, subjects },
    ];
  });
  const input = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  await cluster.kubectl(["apply", "-f", "-"], { input });
  const user = await createPluginUser(cluster, name);
  return {
    kubeconfigPath: user.kubeconfigPath,
    async close() {
      await user.close();
      await cluster.kubectl(["delete", "-f", "-"], { input });
    },
  };
}

async function readGuideRoles(): Promise<ReadonlyMap<string, object>> {
  const page = await readFile(projectPath(GUIDE), "utf8");
  const blocks = page.matchAll(/```yaml\n(apiVersion: rbac[\s\S]+?)```/g);
  const roles = [...blocks].map(([, text = ""]) => parse(text) as { readonly metadata: { name: string } });
  return new Map(roles.map((role) => [role.metadata.name, role]));
}

/** Without any right. */
export async function createPluginUser(cluster: TestedServer, name: string): Promise<PluginUser> {
  await cluster.kubectl(["-n", "default", "create", "serviceaccount", name]);
  const token = (await cluster.kubectl(["-n", "default", "create", "token", name])).trim();
  const folder = await mkdtemp(join(tmpdir(), `${name}-`));
  const credential = {
    apiVersion: "client.authentication.k8s.io/v1",
    kind: "ExecCredential",
    status: { token },
  };
  await writeFile(join(folder, "credential.json"), JSON.stringify(credential), { mode: 0o600 });
  const exec = {
    apiVersion: "client.authentication.k8s.io/v1",
    command: "cat",
    args: [join(folder, "credential.json")],
    interactiveMode: "Never",
  };
  const certificate = Buffer.from(cluster.caPem).toString("base64");
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": name,
    contexts: [{ name, context: { cluster: "test", user: name } }],
    clusters: [{ name: "test", cluster: { server: cluster.url, "certificate-authority-data": certificate } }],
    users: [{ name, user: { exec } }],
  };
  const kubeconfigPath = join(folder, "kubeconfig");
  await writeFile(kubeconfigPath, JSON.stringify(config), { mode: 0o600 });
  return {
    kubeconfigPath,
    async close() {
      await rm(folder, { recursive: true, force: true });
      await cluster.kubectl(["-n", "default", "delete", "serviceaccount", name]);
    },
  };
}
