// The `images.yaml` files beside the manifests, read whenever one of them changes.

import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { watch } from "chokidar";
import type { ImagesFile } from "../local/workloads/image-command.ts";

export interface ImageWatch {
  close(): Promise<void>;
}

const imageFileNames: ReadonlySet<string> = new Set(["images.yaml", "images.yml"]);

/** `onChange` gets all of them, first before this resolves. */
export async function watchImages(
  manifests: readonly string[],
  onChange: (files: readonly ImagesFile[]) => void,
): Promise<ImageWatch> {
  const roots = await Promise.all(manifests.filter((path) => path !== "-").map(rootOf));
  const read = async () => onChange((await Promise.all(roots.map(readBelow))).flat());
  const watcher = watch(
    roots.map(({ directory }) => directory),
    {
      ignoreInitial: true,
      ignored: (path, status) => isHidden(path) || (status?.isFile() === true && !isImagesFile(path)),
    },
  );
  let reading: Promise<void> = Promise.resolve();
  watcher.on("all", () => {
    reading = reading.then(read);
  });
  // Until then a new file would count as one that was there from the start.
  if (roots.length > 0) await new Promise<void>((done) => watcher.once("ready", done));
  await read();
  return {
    async close() {
      await watcher.close();
      await reading;
    },
  };
}

interface Root {
  readonly directory: string;
  /** A directory that the user named is looked through; beside a file, only its own folder is. */
  readonly isDeep: boolean;
}

async function rootOf(path: string): Promise<Root> {
  const isDirectory = (await stat(path)).isDirectory();
  return { directory: isDirectory ? path : dirname(path), isDeep: isDirectory };
}

async function readBelow({ directory, isDeep }: Root): Promise<ImagesFile[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const found: ImagesFile[] = [];
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (entry.isDirectory() && isDeep && !isHidden(path)) {
      found.push(...(await readBelow({ directory: path, isDeep })));
    } else if (imageFileNames.has(entry.name)) {
      const text = await readFile(path, "utf8").catch(() => undefined); // Gone since it was listed.
      if (text !== undefined) found.push({ file: path, directory: resolve(directory), text });
    }
  }
  return found;
}

function isImagesFile(path: string): boolean {
  return imageFileNames.has(path.slice(path.lastIndexOf("/") + 1));
}

function isHidden(path: string): boolean {
  return /(^|\/)(\.[^./][^/]*|node_modules)$/.test(path);
}
