// Reads a file that the mesh's config names. The path is somebody else's choice, in any namespace: only a regular file of
// a certificate's size is read, never a device, a FIFO or what has no end.

import { constants } from "node:fs";
import { open } from "node:fs/promises";

export type CertificateFile =
  | { readonly kind: "read"; readonly path: string; readonly bytes: Buffer }
  /** Why there is none, as a sentence that names the file. */
  | { readonly kind: "none"; readonly reason: string };

// A bundle of all public CAs has 250 kB.
const MAX_FILE_BYTES = 1_048_576;

export async function readCertificateFile(path: string): Promise<CertificateFile> {
  try {
    // Nonblocking, since to open a FIFO without a writer would take for ever.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
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
