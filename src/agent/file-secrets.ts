// Secrets in files, by Istio's names: `file-cert:CERTIFICATE~KEY` and `file-root:CERTIFICATES`. A pair that doesn't fit
// together, as in the middle of its replacement, is held back and the last good one stays.

import { createPrivateKey, X509Certificate } from "node:crypto";
import { watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/logger.ts";
import { redacted } from "../core/redacted.ts";
import type { EncodedSecret, SecretSource } from "./secret-source.ts";
import { encodeCertificateSecret, encodeRootsSecret } from "./secret-source.ts";

export interface FileSecretOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /**
   * Maps a path that Envoy's config names to the file to read, for agents outside the pod's own mount namespace;
   * undefined refuses it.
   */
  readonly resolvePath: (path: string) => string | undefined;
}

type FileSecretName =
  | { readonly kind: "certificate"; readonly certificatePath: string; readonly keyPath: string }
  | { readonly kind: "roots"; readonly path: string };

export function createFileSecretSource(options: FileSecretOptions): SecretSource {
  return {
    watch(name, listener) {
      const parsed = resolveName(name, options.resolvePath);
      if (parsed === undefined) return undefined;
      const paths = parsed.kind === "roots" ? [parsed.path] : [parsed.certificatePath, parsed.keyPath];
      let lastVersion: string | undefined;
      const refresh = async (): Promise<void> => {
        try {
          const secret = await readSecret(name, parsed);
          if (secret.version === lastVersion) return;
          lastVersion = secret.version;
          listener(secret);
        } catch (error) {
          const reason =
            error instanceof Error && "code" in error ? error.code : "not a certificate and its key";
          options.log.warn({ secret: name, reason }, "secret files unreadable");
        }
      };
      void refresh();
      return watchFiles(paths, options, () => void refresh());
    },
  };
}

function resolveName(
  name: string,
  resolve: (path: string) => string | undefined,
): FileSecretName | undefined {
  const [, kind, rest = ""] = /^(file-cert|file-root):(.+)$/s.exec(name) ?? [];
  const [first, second, ...more] = rest.split("~").map(resolve);
  if (kind === "file-root" && first !== undefined && second === undefined && more.length === 0) {
    return { kind: "roots", path: first };
  }
  if (kind === "file-cert" && first !== undefined && second !== undefined && more.length === 0) {
    return { kind: "certificate", certificatePath: first, keyPath: second };
  }
  return undefined;
}

async function readSecret(name: string, from: FileSecretName): Promise<EncodedSecret> {
  if (from.kind === "roots") {
    const rootsPem = await readFile(from.path, "utf8");
    new X509Certificate(rootsPem);
    return encodeRootsSecret(name, rootsPem);
  }
  const chainPem = await readFile(from.certificatePath, "utf8");
  const keyPem = redacted(await readFile(from.keyPath, "utf8"));
  const isPair = new X509Certificate(chainPem).checkPrivateKey(createPrivateKey(keyPem.reveal()));
  if (!isPair) throw new Error("The key isn't the certificate's");
  return encodeCertificateSecret(name, { chainPem, keyPem });
}

const SETTLE_MS = 50;
const RECHECK_MS = 30_000;

// Directories are watched, since files are replaced by renames and Kubernetes swaps a symlink beside them. The slow
// recheck covers what watching can't see: a directory that was itself replaced, or didn't exist yet.
function watchFiles(paths: readonly string[], { clock }: FileSecretOptions, changed: () => void): () => void {
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
  const endings = [...new Set(paths.map((path) => dirname(path)))].map((path) =>
    watchDirectory(path, settle),
  );
  return () => {
    cancelSettle?.();
    cancelRecheck?.();
    for (const end of endings) end();
  };
}

function watchDirectory(path: string, changed: () => void): () => void {
  try {
    const watcher = watch(path, { persistent: false }, changed);
    watcher.on("error", () => watcher.close());
    return () => watcher.close();
  } catch {
    return () => undefined;
  }
}
