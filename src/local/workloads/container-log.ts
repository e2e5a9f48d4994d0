// What a container wrote: the last lines in memory for those who ask, and a file that is rotated by size.

import type { WriteStream } from "node:fs";
import { createWriteStream, mkdirSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";

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
}

export class ContainerLog {
  readonly #maxLines: number;
  readonly #maxFileBytes: number;
  readonly #file: string | undefined;
  readonly #listeners = new Set<(line: LogLine) => void>();
  #lines: LogLine[] = [];
  #output: WriteStream | undefined;
  #fileBytes = 0;

  constructor({ maxLines = 2_000, file, maxFileBytes = 10 * 2 ** 20 }: ContainerLogOptions = {}) {
    this.#maxLines = maxLines;
    this.#maxFileBytes = maxFileBytes;
    this.#file = file;
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

  #write({ atMs, stream, text }: LogLine): void {
    if (this.#file === undefined) return;
    const line = `${new Date(atMs).toISOString()} ${stream} ${text}\n`;
    if (this.#output === undefined) this.#open(this.#file);
    else if (this.#fileBytes + line.length > this.#maxFileBytes) this.#rotate(this.#file);
    this.#fileBytes += line.length;
    this.#output?.write(line);
  }

  #open(file: string): void {
    mkdirSync(dirname(file), { recursive: true });
    this.#fileBytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    this.#output = createWriteStream(file, { fd: openSync(file, "a", 0o640) });
    // A full disk must not end the mesh; the lines in memory stay.
    this.#output.on("error", () => {
      this.#output = undefined;
    });
  }

  #rotate(file: string): void {
    this.#output?.end();
    rmSync(`${file}.1`, { force: true });
    renameSync(file, `${file}.1`);
    this.#open(file);
  }
}
