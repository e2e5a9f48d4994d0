// The CA on disk: the persistent self-signed root that a mesh makes for itself, or a plug-in CA's files. Keys are
// written 0600 in a directory of 0700 that appears whole or not at all. Serials are random, so none is kept.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Problem } from "../core/problem.ts";
import { problem } from "../core/problem.ts";
import { redacted } from "../core/redacted.ts";
import type { AuthorityContext, AuthorityFiles, CertificateAuthority } from "./certificate-authority.ts";
import { buildRootFiles, createCertificateAuthority } from "./certificate-authority.ts";
import { writeFileDurably } from "./durable-file.ts";

export type OpenedAuthority =
  | { readonly kind: "authority"; readonly authority: CertificateAuthority }
  | { readonly kind: "problem"; readonly problem: Problem };

export interface AuthorityStoreOptions extends Partial<AuthorityContext> {
  readonly clock: AuthorityContext["clock"];
  readonly trustDomain: string;
}

/** Loads the CA in `directory`, or makes it there: P-256, ten years. Two that start at once end with the same CA. */
export async function openPersistentAuthority(
  directory: string,
  options: AuthorityStoreOptions,
): Promise<OpenedAuthority> {
  const context = { randomBytes, ...options };
  try {
    if (!(await exists(join(directory, fileNames.certificate)))) await createFiles(directory, context);
  } catch (error) {
    return unreadable(directory, error);
  }
  return loadPluginAuthority(directory, context);
}

export interface PluginAuthorityOptions extends Partial<AuthorityContext> {
  readonly clock: AuthorityContext["clock"];
  /** For secrets that Kubernetes mounts, whose files are readable by all inside the container. Default false. */
  readonly isSharedMountAllowed?: boolean;
}

/** Loads `ca-cert.pem`, `ca-key.pem`, `root-cert.pem` and, where there is one, `cert-chain.pem`, as in Istio's `cacerts`. */
export async function loadPluginAuthority(
  directory: string,
  options: PluginAuthorityOptions,
): Promise<OpenedAuthority> {
  const keyPath = join(directory, fileNames.key);
  try {
    const mode = (await stat(keyPath)).mode & 0o777;
    if ((mode & 0o077) !== 0 && options.isSharedMountAllowed !== true) return exposedKey(keyPath, mode);
    const files = await readFiles(directory);
    const result = createCertificateAuthority(files, { randomBytes, ...options });
    return result.kind === "authority" ? result : unfit(directory, result.reason);
  } catch (error) {
    return unreadable(directory, error);
  }
}

const fileNames = {
  certificate: "ca-cert.pem",
  key: "ca-key.pem",
  chain: "cert-chain.pem",
  roots: "root-cert.pem",
} as const;

async function readFiles(directory: string): Promise<AuthorityFiles> {
  const read = (name: string) => readFile(join(directory, name), "utf8");
  const hasChain = await exists(join(directory, fileNames.chain));
  return {
    certificatePem: await read(fileNames.certificate),
    keyPem: redacted(await read(fileNames.key)),
    chainPem: hasChain ? await read(fileNames.chain) : "",
    rootsPem: await read(fileNames.roots),
  };
}

// The directory is filled beside its place and renamed into it: rename(2) refuses a directory that isn't
// empty, so whoever comes second finds the first one's CA and loads that.
async function createFiles(
  directory: string,
  options: AuthorityStoreOptions & AuthorityContext,
): Promise<void> {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const files = buildRootFiles(privateKey, options.trustDomain, options);
  await mkdir(dirname(directory), { recursive: true, mode: 0o700 });
  const staging = await mkdtemp(`${directory}.new-`);
  try {
    await chmod(staging, 0o700);
    await writeFileDurably(join(staging, fileNames.key), files.keyPem.reveal());
    await writeFileDurably(join(staging, fileNames.roots), files.rootsPem);
    await writeFileDurably(join(staging, fileNames.certificate), files.certificatePem);
    await rename(staging, directory);
  } catch (error) {
    const isSecond = isErrorCode(error, "ENOTEMPTY") || isErrorCode(error, "EEXIST");
    if (!isSecond || !(await exists(join(directory, fileNames.certificate)))) throw error;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isErrorCode(error, "ENOENT")) return false;
    throw error;
  }
}

function isErrorCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

function exposedKey(path: string, mode: number): OpenedAuthority {
  const message = `Cannot use the CA key "${path}": its mode is ${mode.toString(8)}, so others can read it; wanted is 600`;
  return { kind: "problem", problem: problem("MLT5001", { message, hint: `chmod 600 ${path}` }) };
}

function unfit(directory: string, reason: string): OpenedAuthority {
  const message = `Cannot use the CA in "${directory}": ${reason}`;
  return { kind: "problem", problem: problem("MLT5002", { message }) };
}

function unreadable(directory: string, error: unknown): OpenedAuthority {
  if (!(error instanceof Error && "code" in error)) throw error;
  const message = `Cannot open the CA in "${directory}": ${error.message}`;
  return { kind: "problem", problem: problem("MLT5003", { message }) };
}
