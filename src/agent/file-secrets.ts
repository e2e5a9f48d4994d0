// Secrets in files, by Istio's names: `file-cert:CERTIFICATE~KEY` and `file-root:CERTIFICATES`. A pair that doesn't fit
// together, as in the middle of its replacement, is held back and the last good one stays.

import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import { redacted } from "../core/redacted.ts";
import { certificatesOf, faultOfPair } from "../kinds/tls-credential.ts";
import type { CertificateFiles } from "./certificate-file.ts";
import type { EncodedSecret, SecretSource } from "./secret-source.ts";
import { encodeCertificateSecret, encodeRootsSecret } from "./secret-source.ts";

export interface FileSecretOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly files: CertificateFiles;
  /** Told why a secret can't be read, and with undefined that it can or that nobody wants it any more. */
  readonly onUnreadable?: (secret: string, reason: string | undefined) => void;
}

interface CertificatePaths {
  readonly certificatePath: string;
  readonly keyPath: string;
}

type FileSecretName =
  | ({ readonly kind: "certificate" } & CertificatePaths)
  /** The first of these that can be read. */
  | { readonly kind: "roots"; readonly paths: readonly string[] };

export function createFileSecretSource(options: FileSecretOptions): SecretSource {
  return {
    watch(name, listener) {
      const parsed = parseName(name);
      if (parsed === undefined) return undefined;
      let isWatched = true;
      let last: string | undefined;
      const refresh = async (): Promise<void> => {
        const outcome = await readSecret(name, parsed, options.files);
        const isNews = outcome.kind === "secret" ? outcome.secret.version : outcome.reason;
        if (!isWatched || isNews === last) return;
        const isFirst = last === undefined;
        last = isNews;
        options.onUnreadable?.(name, outcome.kind === "secret" ? undefined : outcome.reason);
        if (outcome.kind === "secret") return listener(outcome.secret);
        options.log.warn({ secret: name, reason: outcome.reason }, "secret can't be read from files");
        // What was served before stays.
        if (isFirst) listener("absent");
      };
      void refresh();
      const end = watchFiles(pathsOf(parsed), options, () => void refresh());
      return () => {
        isWatched = false;
        end();
        options.onUnreadable?.(name, undefined);
      };
    },
  };
}

// Where systems keep the certificates that they trust.
export const SYSTEM_ROOTS: readonly string[] = [
  "/etc/ssl/certs/ca-certificates.crt", // Debian, Alpine
  "/etc/pki/tls/certs/ca-bundle.crt", // Fedora
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // Red Hat
  "/etc/ssl/ca-bundle.pem", // SUSE
  "/etc/ssl/cert.pem",
];

function pathsOf(from: FileSecretName): readonly string[] {
  return from.kind === "roots" ? from.paths : [from.certificatePath, from.keyPath];
}

function parseName(name: string): FileSecretName | undefined {
  if (name === "file-root:system") return { kind: "roots", paths: SYSTEM_ROOTS };
  const [, kind, rest = ""] = /^(file-cert|file-root):(.+)$/s.exec(name) ?? [];
  const [first, second, ...more] = rest.split("~");
  if (kind === "file-root" && first !== undefined && second === undefined && more.length === 0) {
    return { kind: "roots", paths: [first] };
  }
  if (kind === "file-cert" && first !== undefined && second !== undefined && more.length === 0) {
    return { kind: "certificate", certificatePath: first, keyPath: second };
  }
  return undefined;
}

type FileSecret =
  | { readonly kind: "secret"; readonly secret: EncodedSecret }
  | { readonly kind: "none"; readonly reason: string };

async function readSecret(name: string, from: FileSecretName, files: CertificateFiles): Promise<FileSecret> {
  return from.kind === "roots" ? readRoots(name, from.paths, files) : readPair(name, from, files);
}

async function readRoots(
  name: string,
  paths: readonly string[],
  files: CertificateFiles,
): Promise<FileSecret> {
  const found = await Promise.all(paths.map((path) => files.read(path)));
  const file = found.find(({ kind }) => kind === "read") ?? found[0];
  if (file?.kind !== "read") return file ?? { kind: "none", reason: "no file" };
  if (certificatesOf(file.bytes) === undefined)
    return { kind: "none", reason: `${file.path} holds no certificate in PEM, or one that can't be read` };
  return { kind: "secret", secret: encodeRootsSecret(name, file.bytes.toString("utf8")) };
}

async function readPair(
  name: string,
  { certificatePath, keyPath }: CertificatePaths,
  files: CertificateFiles,
): Promise<FileSecret> {
  const [chain, key] = await Promise.all([files.read(certificatePath), files.read(keyPath)]);
  if (chain.kind === "none") return chain;
  if (key.kind === "none") return key;
  const reason = faultOfPair(chain.bytes, key.bytes, { chain: chain.path, key: key.path });
  if (reason !== undefined) return { kind: "none", reason };
  const keyPem = redacted(key.bytes.toString("utf8"));
  return {
    kind: "secret",
    secret: encodeCertificateSecret(name, { chainPem: chain.bytes.toString("utf8"), keyPem }),
  };
}

const SETTLE_MS = 50;
const RECHECK_MS = 30_000;

// The slow recheck covers what watching can't see: a directory that was itself replaced, or didn't exist yet.
function watchFiles(
  paths: readonly string[],
  { clock, files }: FileSecretOptions,
  changed: () => void,
): () => void {
  let cancelSettle: (() => void) | undefined;
  let cancelRecheck: (() => void) | undefined;
  const settle = () => {
    cancelSettle?.();
    cancelSettle = clock.after(SETTLE_MS, changed);
  };
  const recheck = () => {
    changed();
    cancelRecheck = clock.after(RECHECK_MS, recheck);
  };
  cancelRecheck = clock.after(RECHECK_MS, recheck);
  const endings = paths.map((path) => files.watch(path, settle));
  return () => {
    cancelSettle?.();
    cancelRecheck?.();
    for (const end of endings) end();
  };
}
