// The API server as kubectl's users know it: kubeconfig files, merged as kubectl merges them, one context of them
// as an endpoint. It changes no file.

import { readFile } from "node:fs/promises";
import { delimiter, dirname, join, resolve } from "node:path";
import type { Clock } from "../core/clock.ts";
import { type Problem, problem } from "../core/problem.ts";
import { redacted } from "../core/redacted.ts";
import type { ApiCredentials, ApiEndpoint } from "./api-endpoint.ts";
import { createExecCredentials, type ExecPlugin } from "./exec-credential.ts";
import { createTokenFile } from "./in-cluster-endpoint.ts";

export interface KubeconfigOptions {
  readonly clock: Clock;
  /** `KUBECONFIG` and `HOME`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Instead of `KUBECONFIG` and ~/.kube/config. */
  readonly path?: string;
  /** Instead of `current-context`. */
  readonly context?: string;
}

export type OpenedKubeconfig =
  | { readonly kind: "opened"; readonly endpoint: ApiEndpoint; readonly namespace: string }
  | { readonly kind: "problem"; readonly problem: Problem };

interface Cluster {
  readonly server?: string;
  readonly "certificate-authority"?: string;
  readonly "certificate-authority-data"?: string;
  readonly "insecure-skip-tls-verify"?: boolean;
  readonly "tls-server-name"?: string;
}

interface User {
  readonly token?: string;
  readonly tokenFile?: string;
  readonly "client-certificate"?: string;
  readonly "client-certificate-data"?: string;
  readonly "client-key"?: string;
  readonly "client-key-data"?: string;
  readonly exec?: ExecPlugin;
}

interface Context {
  readonly cluster?: string;
  readonly user?: string;
  readonly namespace?: string;
}

/** By name; of entries that several files have, the first counts. */
interface Kubeconfig {
  readonly clusters: ReadonlyMap<string, Cluster>;
  readonly users: ReadonlyMap<string, User>;
  readonly contexts: ReadonlyMap<string, Context>;
  readonly currentContext: string | undefined;
}

/** Whatever is wrong with the files is a Problem; whether the server answers isn't asked here. */
export async function openKubeconfig(options: KubeconfigOptions): Promise<OpenedKubeconfig> {
  const paths = pathsOf(options);
  try {
    const config = await readFiles(paths);
    const contextName = options.context ?? config.currentContext;
    if (contextName === undefined) return noContext(config, paths);
    const context = config.contexts.get(contextName);
    if (context === undefined)
      return unusable(`there is no context "${contextName}" in ${paths.join(" or ")}`, contextsHint(config));
    const cluster = config.clusters.get(context.cluster ?? "");
    if (cluster?.server === undefined)
      return unusable(`context "${contextName}" names no cluster that is there`);
    const user = config.users.get(context.user ?? "") ?? {};
    const endpoint = { ...(await serverOf(cluster)), ...(await credentialsOf(user, cluster, options)) };
    return { kind: "opened", endpoint, namespace: context.namespace ?? "default" };
  } catch (error) {
    if (isMissing(error)) return unusable(`there is no file ${paths.join(" or ")}`);
    return unusable(error instanceof Error ? error.message : String(error));
  }
}

/** Undefined where there is no kubeconfig, or none of its contexts is the current one. */
export async function currentContext(
  options: Pick<KubeconfigOptions, "environment" | "path">,
): Promise<string | undefined> {
  try {
    return (await readFiles(pathsOf(options))).currentContext;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function noContext(config: Kubeconfig, paths: readonly string[]): OpenedKubeconfig {
  const place = paths.join(" or ");
  return config.contexts.size === 0
    ? unusable(`${place} has no context`)
    : unusable(`none of the contexts of ${place} is the current one`, contextsHint(config));
}

function contextsHint({ contexts }: Kubeconfig): string {
  return `say which with --context: ${[...contexts.keys()].join(", ")}`;
}

function unusable(
  reason: string,
  hint = "kubectl config get-contexts shows what is there",
): OpenedKubeconfig {
  return {
    kind: "problem",
    problem: problem("MLT6001", { message: `Cannot use the kubeconfig: ${reason}`, hint }),
  };
}

function pathsOf({ path, environment }: Pick<KubeconfigOptions, "environment" | "path">): readonly string[] {
  if (path !== undefined) return [path];
  const fromEnvironment = (environment.KUBECONFIG ?? "").split(delimiter).filter((one) => one !== "");
  return fromEnvironment.length > 0 ? fromEnvironment : [join(environment.HOME ?? "", ".kube", "config")];
}

async function readFiles(paths: readonly string[]): Promise<Kubeconfig> {
  const clusters = new Map<string, Cluster>();
  const users = new Map<string, User>();
  const contexts = new Map<string, Context>();
  let currentContext: string | undefined;
  for (const path of paths) {
    const text = await readIfThere(path, paths.length > 1);
    // Loaded only once there is a file: every command asks for the current context.
    const { parseKubeconfigText } = await import("./kubeconfig-text.ts");
    const file = (parseKubeconfigText(text) ?? {}) as Record<
      string,
      readonly NamedEntry[] | string | undefined
    >;
    const own = file["current-context"];
    if (typeof own === "string" && own !== "") currentContext ??= own;
    addEntries(clusters, file.clusters, (entry) => withPaths(entry.cluster as Cluster, path));
    addEntries(users, file.users, (entry) => withPlugin(withPaths(entry.user as User, path), path));
    addEntries(contexts, file.contexts, (entry) => entry.context as Context);
  }
  return { clusters, users, contexts, currentContext };
}

interface NamedEntry {
  readonly name?: string;
  readonly [part: string]: unknown;
}

/** kubectl passes over files of KUBECONFIG that aren't there, as long as it names several. */
async function readIfThere(path: string, isOneOfMany: boolean): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isOneOfMany && isMissing(error)) return "";
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

function addEntries<Entry>(
  entries: Map<string, Entry>,
  list: readonly NamedEntry[] | string | undefined,
  partOf: (entry: NamedEntry) => Entry | undefined,
): void {
  if (!Array.isArray(list)) return;
  for (const entry of list as readonly NamedEntry[]) {
    const part = partOf(entry);
    if (entry.name !== undefined && part !== undefined && !entries.has(entry.name))
      entries.set(entry.name, part);
  }
}

const pathFields = ["certificate-authority", "client-certificate", "client-key", "tokenFile"];

/** Relative paths are relative to the file that names them. */
function withPaths<Part extends object>(part: Part | undefined, file: string): Part | undefined {
  if (part === undefined || part === null) return undefined;
  const absolute = Object.entries(part).map(([name, value]) =>
    pathFields.includes(name) && typeof value === "string"
      ? [name, resolve(dirname(file), value)]
      : [name, value],
  );
  return Object.fromEntries(absolute) as Part;
}

/** So is a plugin that is named by a path; a bare name is looked for on PATH. */
function withPlugin(user: User | undefined, file: string): User | undefined {
  const command = user?.exec?.command;
  if (user?.exec === undefined || command === undefined || !command.includes("/")) return user;
  return { ...user, exec: { ...user.exec, command: resolve(dirname(file), command) } };
}

async function serverOf(cluster: Cluster) {
  const caPem = await inlineOrFile(cluster["certificate-authority-data"], cluster["certificate-authority"]);
  return {
    url: new URL(cluster.server ?? ""),
    ...(caPem !== undefined && { caPem }),
    ...(cluster["tls-server-name"] !== undefined && { serverName: cluster["tls-server-name"] }),
    ...(cluster["insecure-skip-tls-verify"] === true && { isServerUnverified: true }),
  };
}

type CredentialSource = Pick<ApiEndpoint, "credentials" | "forgetCredentials">;

async function credentialsOf(
  user: User,
  cluster: Cluster,
  { clock, environment }: KubeconfigOptions,
): Promise<CredentialSource> {
  const { exec, token, tokenFile } = user;
  if (exec !== undefined) {
    return createExecCredentials(exec, { clock, environment, server: cluster.server ?? "" });
  }
  if (tokenFile !== undefined) return createTokenFile(tokenFile, clock);
  const certificatePem = await inlineOrFile(user["client-certificate-data"], user["client-certificate"]);
  const keyPem = await inlineOrFile(user["client-key-data"], user["client-key"]);
  const credentials: ApiCredentials = {
    ...(token !== undefined && { bearerToken: redacted(token) }),
    ...(certificatePem !== undefined &&
      keyPem !== undefined && { clientCertificate: { certificatePem, keyPem: redacted(keyPem) } }),
  };
  return { credentials: async () => credentials, forgetCredentials: () => undefined };
}

async function inlineOrFile(data: string | undefined, path: string | undefined): Promise<string | undefined> {
  if (data !== undefined) return Buffer.from(data, "base64").toString("utf8");
  return path === undefined ? undefined : await readFile(path, "utf8");
}
