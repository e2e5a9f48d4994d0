// Writes tar archives in the POSIX ustar format, one entry after the other. It never reads the clock or the
// machine's users: every entry is root's and as old as the caller says, so equal inputs give equal bytes.

import { createReadStream, statSync } from "node:fs";

const BLOCK_BYTES = 512;
const MAX_NAME_BYTES = 100;
const MAX_PREFIX_BYTES = 155;

export type TarEntry =
  | { readonly kind: "directory"; readonly path: string; readonly mode: number }
  | { readonly kind: "symlink"; readonly path: string; readonly target: string }
  | { readonly kind: "file"; readonly path: string; readonly mode: number; readonly content: Buffer }
  /** A file of the machine, streamed, as it may be large. */
  | { readonly kind: "copy"; readonly path: string; readonly mode: number; readonly source: string };

/** The archive's bytes in pieces. Paths are relative, without a leading slash. */
export async function* encodeTar(entries: Iterable<TarEntry>, mtimeSeconds: number): AsyncGenerator<Buffer> {
  for (const entry of entries) {
    const sizeBytes = sizeOf(entry);
    yield header(entry, { sizeBytes, mtimeSeconds });
    if (entry.kind === "file") yield entry.content;
    if (entry.kind === "copy") yield* copyExactly(entry.source, sizeBytes);
    yield Buffer.alloc((BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES);
  }
  yield Buffer.alloc(2 * BLOCK_BYTES);
}

function sizeOf(entry: TarEntry): number {
  if (entry.kind === "file") return entry.content.length;
  return entry.kind === "copy" ? statSync(entry.source).size : 0;
}

async function* copyExactly(source: string, sizeBytes: number): AsyncGenerator<Buffer> {
  let seen = 0;
  for await (const chunk of createReadStream(source, { highWaterMark: 1 << 20 })) {
    seen += (chunk as Buffer).length;
    yield chunk as Buffer;
  }
  if (seen !== sizeBytes) throw new Error(`${source} changed while it was read`);
}

const typeFlags = { file: "0", copy: "0", symlink: "2", directory: "5" } as const;

function header(
  entry: TarEntry,
  { sizeBytes, mtimeSeconds }: { sizeBytes: number; mtimeSeconds: number },
): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  const { prefix, name } = splitPath(entry.kind === "directory" ? `${entry.path}/` : entry.path);
  const octal = (value: number, offset: number, length: number) =>
    block.write(value.toString(8).padStart(length - 1, "0"), offset);
  block.write(name, 0);
  octal(entry.kind === "symlink" ? 0o777 : entry.mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(sizeBytes, 124, 12);
  octal(mtimeSeconds, 136, 12);
  block.write(typeFlags[entry.kind], 156);
  if (entry.kind === "symlink") block.write(fitting(entry.target, MAX_NAME_BYTES), 157);
  block.write("ustar\0", 257, "latin1");
  block.write("00", 263);
  block.write(prefix, 345);
  // The sum is taken with spaces in its own place.
  block.fill(" ", 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** A path of over 100 bytes is split at a slash into a prefix and a name. */
function splitPath(path: string): { prefix: string; name: string } {
  if (Buffer.byteLength(path) <= MAX_NAME_BYTES) return { prefix: "", name: path };
  const cut = path.indexOf("/", path.length - MAX_NAME_BYTES - 1);
  if (cut === -1) throw new Error(`Too long for a tar archive: ${path}`);
  return { prefix: fitting(path.slice(0, cut), MAX_PREFIX_BYTES), name: path.slice(cut + 1) };
}

function fitting(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) > maxBytes) throw new Error(`Too long for a tar archive: ${text}`);
  return text;
}
