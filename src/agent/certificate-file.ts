// Reads a file that the mesh's config names. The path is somebody else's choice, in any namespace: only a regular file of
// a certificate's size is read, never a device, a FIFO or what has no end.

import { constants, watch } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";
import { dirname } from "node:path";

export type CertificateFile =
  | { readonly kind: "read"; readonly path: string; readonly bytes: Buffer }
  /** Why there is none, as a sentence that names the file. */
  | { readonly kind: "none"; readonly reason: string };

/** Files by the paths that Envoy's config names, which mean what they mean in the proxy's container. */
export interface CertificateFiles {
  read(path: string): Promise<CertificateFile>;
  /** Calls when a read of the path may have another outcome; returns what ends it. It may miss a change. */
  watch(path: string, changed: () => void): () => void;
}

/** For an agent that lives in the container: a path means the same to it as to Envoy. */
export const ownCertificateFiles: CertificateFiles = {
  read: (path) => readCertificateFile(path),
  watch: (path, changed) => watchDirectory(dirname(path), changed),
};

/** Nonblocking, since to open a FIFO without a writer would take for ever. */
export const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

// A bundle of all public CAs has 250 kB.
const MAX_FILE_BYTES = 1_048_576;

/** `openFile` opens what is at the path with READ_FLAGS at least. */
export async function readCertificateFile(
  path: string,
  openFile: () => Promise<FileHandle> = () => open(path, READ_FLAGS),
): Promise<CertificateFile> {
  try {
    const handle = await openFile();
    try {
      const found = await handle.stat();
      if (!found.isFile()) return { kind: "none", reason: `${path} isn't a regular file` };
      if (found.size > MAX_FILE_BYTES)
        return {
          kind: "none",
          reason: `${path} has ${found.size} bytes, at most ${MAX_FILE_BYTES} are read`,
        };
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(found.size), 0, found.size, 0);
      return { kind: "read", path, bytes: buffer.subarray(0, bytesRead) };
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    return { kind: "none", reason: `${path} can't be read (${code})` };
  }
}

// The directory, since files are replaced by renames and Kubernetes swaps a symlink beside them.
export function watchDirectory(path: string, changed: () => void): () => void {
  try {
    const watcher = watch(path, { persistent: false }, changed);
    watcher.on("error", () => watcher.close());
    return () => watcher.close();
  } catch {
    return () => undefined;
  }
}
