// The file operations of a pod's volumes and logs, as an argument: a test lets each fail once.

import type * as fs from "node:fs";
import { createWriteStream, mkdirSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import type * as promises from "node:fs/promises";
import { chmod, chown, mkdir, readdir, readlink, rename, rm, symlink, writeFile } from "node:fs/promises";

type PromisedOperations = Pick<
  typeof promises,
  "chmod" | "chown" | "mkdir" | "readdir" | "readlink" | "rename" | "rm" | "symlink" | "writeFile"
>;
type SyncOperations = Pick<
  typeof fs,
  "createWriteStream" | "mkdirSync" | "openSync" | "renameSync" | "rmSync" | "statSync"
>;

export type PodFiles = PromisedOperations & SyncOperations;

export const machineFiles: PodFiles = {
  ...{ chmod, chown, mkdir, readdir, readlink, rename, rm, symlink, writeFile },
  ...{ createWriteStream, mkdirSync, openSync, renameSync, rmSync, statSync },
};
