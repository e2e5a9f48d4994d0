// What a container wrote: the last lines in memory for those who ask, and a file that is rotated by size.

import type { WriteStream } from "node:fs";
import { dirname } from "node:path";
import type { PodFiles } from "./pod-files.ts";
import { machineFiles } from "./pod-files.ts";

export interface LogLine {
  readonly atMs: number;
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}

export interface ContainerLogOptions {
  /** The oldest lines are dropped beyond this. Default 2,000. */
  readonly maxLines?: number;
  /** Without it nothing is written to disk. */
  readonly file?: string;
  /** The file is moved to FILE.1 beyond this. Default 10 MiB. */
  readonly maxFileBytes?: number;
  readonly fileSystem?: PodFiles;
  /** The file can't be written, or, with undefined, can again. Lines in memory stay. */
  readonly onFileProblem?: (reason: string | undefined) => void;
}

// A disk that is full isn't asked again with each line.
const RETRY_AFTER_MS = 10_000;

export class ContainerLog {
  readonly #maxLines: number;
  readonly #maxFileBytes: number;
  readonly #file: string | undefined;
  readonly #listeners = new Set<(line: LogLine) => void>();
  #lines: LogLine[] = [];
  #output: WriteStream | undefined;
  #fileBytes = 0;
  readonly #fileSystem: PodFiles;
  readonly #onFileProblem: (reason: string | undefined) => void;
  #failedAtMs: number | undefined;

  constructor(options: ContainerLogOptions = {}) {
    this.#maxLines = options.maxLines ?? 2_000;
    this.#maxFileBytes = options.maxFileBytes ?? 10 * 2 ** 20;
    this.#file = options.file;
    this.#fileSystem = options.fileSystem ?? machineFiles;
    this.#onFileProblem = options.onFileProblem ?? (() => undefined);
  }

  append(line: LogLine): void {
    this.#lines.push(line);
    // Dropped in slices, so that an append stays O(1) on average.
    if (this.#lines.length >= this.#maxLines * 2) this.#lines = this.#lines.slice(-this.#maxLines);
    this.#write(line);
    for (const listener of this.#listeners) listener(line);
  }

  /** The last `count` lines, oldest first. */
  tail(count = this.#maxLines): readonly LogLine[] {
    return this.#lines.slice(-Math.min(count, this.#maxLines));
  }

  watch(listener: (line: LogLine) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#listeners.clear();
    this.#output?.end();
    this.#output = undefined;
  }

  // Whatever happens to the file, the line was taken: the container, and the mesh, go on.
  #write({ atMs, stream, text }: LogLine): void {
    if (this.#file === undefined) return;
    if (this.#failedAtMs !== undefined && atMs - this.#failedAtMs < RETRY_AFTER_MS) return;
    const line = `${new Date(atMs).toISOString()} ${stream} ${text}\n`;
    try {
      if (this.#output === undefined) this.#open(this.#file, atMs);
      else if (this.#fileBytes + line.length > this.#maxFileBytes) this.#rotate(this.#file, atMs);
      this.#fileBytes += line.length;
      this.#output?.write(line);
    } catch (cause) {
      this.#fail(cause, atMs);
    }
  }

  #open(file: string, atMs: number): void {
    const { mkdirSync, statSync, createWriteStream, openSync } = this.#fileSystem;
    mkdirSync(dirname(file), { recursive: true });
    this.#fileBytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    const output = createWriteStream(file, { fd: openSync(file, "a", 0o640) });
    this.#output = output;
    output.on("error", (cause) => {
      if (this.#output === output) this.#fail(cause, atMs);
    });
    if (this.#failedAtMs !== undefined) {
      this.#failedAtMs = undefined;
      this.#onFileProblem(undefined);
    }
  }

  #fail(cause: unknown, atMs: number): void {
    this.#output?.destroy();
    this.#output = undefined;
    this.#failedAtMs = atMs;
    this.#onFileProblem(cause instanceof Error ? cause.message : String(cause));
  }

  #rotate(file: string, atMs: number): void {
    const { rmSync, renameSync } = this.#fileSystem;
    this.#output?.end();
    this.#output = undefined;
    rmSync(`${file}.1`, { force: true });
    renameSync(file, `${file}.1`);
    this.#open(file, atMs);
  }
}
