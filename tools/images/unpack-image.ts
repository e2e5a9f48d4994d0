// Puts an image's files into a folder, as the Dockerfile's last stage wants them. Owners are the caller's.

import { chmodSync, copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Image } from "./image.ts";
import type { TarEntry } from "./tar-writer.ts";

export function unpackImage(image: Image, folder: string): void {
  for (const layer of image.layers) {
    for (const entry of layer.entries()) writeEntry(entry, join(folder, entry.path));
  }
}

function writeEntry(entry: TarEntry, path: string): void {
  if (entry.kind === "directory") {
    mkdirSync(path, { recursive: true });
    chmodSync(path, entry.mode);
    return;
  }
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { force: true });
  if (entry.kind === "symlink") {
    symlinkSync(entry.target, path);
    return;
  }
  if (entry.kind === "file") writeFileSync(path, entry.content);
  else copyFileSync(entry.source, path);
  chmodSync(path, entry.mode);
}
