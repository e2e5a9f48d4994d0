// Watches manifests and tells of every change of their objects. A broken or half-written file changes nothing
// but the problems: what it held before stays in force until it is mended or the object is deleted.

import { basename, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { FSWatcher } from "chokidar";
import { watch } from "chokidar";
import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/logger.ts";
import type { Problem } from "../../core/problem.ts";
import type { FileState } from "./file-state.ts";
import { losesObjects, mergeFileStates, nextFileState } from "./file-state.ts";
import type { LastGoodStore } from "./last-good.ts";
import { loadManifest } from "./load-files.ts";
import { changesSince, isNothing, type ObjectChanges, type ObjectsByKey } from "./loaded-objects.ts";
import type { FoundFile } from "./manifest-files.ts";
import { findManifestFiles, STANDARD_INPUT } from "./manifest-files.ts";

/** What changed, in one step. */
export interface FileBatch extends ObjectChanges {
  /** All that stand now, not only the new ones. */
  readonly problems: readonly Problem[];
}

export interface WatchFilesOptions {
  /** Files and directories; `-` is read once. */
  readonly paths: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
  /** Must not throw. */
  readonly onChange: (batch: FileBatch) => void;
  readonly lastGood?: LastGoodStore;
  /** From an event to reading, so that one save gives one batch. */
  readonly debounceMs?: number;
  /** How long a file that lost objects must stay so before that is believed: editors empty, rename and rewrite. */
  readonly settleMs?: number;
}

/** Resolves when the first batch, which may be empty, has been given to `onChange`. */
export async function watchFiles(options: WatchFilesOptions): Promise<FileWatch> {
  const fileWatch = new FileWatch(options);
  await fileWatch.start();
  return fileWatch;
}

interface Doubt {
  readonly signature: string;
  readonly sinceMs: number;
}

export class FileWatch {
  readonly #options: Required<Omit<WatchFilesOptions, "lastGood">> & Pick<WatchFilesOptions, "lastGood">;
  readonly #states = new Map<string, FileState>();
  readonly #doubts = new Map<string, Doubt>();
  #watcher: FSWatcher | undefined;
  /** Files whose objects in force may differ from those that are kept on disk. */
  readonly #unkept = new Set<string>();
  /** What was published last. */
  #published: Published | undefined;
  #cancelTimer: (() => void) | undefined;
  #wakeAtMs = Infinity;
  #reading: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: WatchFilesOptions) {
    this.#options = { debounceMs: 20, settleMs: 120, ...options };
  }

  async start(): Promise<void> {
    const roots = this.#options.paths.filter((path) => path !== STANDARD_INPUT);
    if (roots.length > 0) await this.#watch(roots);
    this.#reading = this.#reading.then(() => this.#read());
    await this.#reading;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer?.();
    await this.#watcher?.close();
    await this.#reading;
  }

  async #watch(roots: readonly string[]) {
    const named = new Set(roots.map((root) => resolve(root)));
    const ignored = (path: string) => {
      const isPassedOver = basename(path).startsWith(".") || basename(path) === "node_modules";
      return isPassedOver && !named.has(resolve(path));
    };
    const watcher = watch([...roots], { ignoreInitial: true, atomic: false, ignored });
    this.#watcher = watcher;
    // An event only wakes us: what has changed is found by looking. Raw events aren't throttled as others are,
    // so the last of several quick writes is never missed.
    watcher.on("all", () => this.#wake(this.#options.debounceMs));
    watcher.on("raw", () => this.#wake(this.#options.debounceMs));
    watcher.on("error", (cause) => this.#options.log.warn({ cause: String(cause) }, "watching files failed"));
    await new Promise<void>((done) => {
      watcher.once("ready", done);
    });
  }

  #wake(delayMs: number) {
    const atMs = this.#options.clock.now() + delayMs;
    if (this.#isClosed || this.#wakeAtMs <= atMs) return;
    this.#cancelTimer?.();
    this.#wakeAtMs = atMs;
    this.#cancelTimer = this.#options.clock.after(delayMs, () => {
      this.#wakeAtMs = Infinity;
      this.#reading = this.#reading.then(() => this.#read());
    });
  }

  async #read(): Promise<void> {
    if (this.#isClosed) return;
    const found = await findManifestFiles(this.#options.paths);
    for (const file of found.files) {
      const state = this.#states.get(file.file);
      const isKnown = state?.signature === file.signature && !state.isDoubtful;
      if (!isKnown) await this.#readFile(file);
    }
    await this.#dropMissing(found.files);
    if (this.#isClosed) return;
    const order = found.files.map(({ file }) => file);
    this.#publish(order, found.problems);
    await this.#keepLastGood();
    if (this.#doubts.size > 0) this.#wake(this.#options.settleMs);
  }

  async #readFile({ file, signature }: FoundFile) {
    const state = this.#states.get(file);
    const manifest = await loadManifest(file, state?.manifest);
    if (state !== undefined && losesObjects(state, manifest) && !this.#isSettled(file, signature)) {
      this.#states.set(file, { ...state, isDoubtful: true });
      return;
    }
    this.#doubts.delete(file);
    const before = state?.kept ?? (await this.#options.lastGood?.get(file)) ?? new Map();
    this.#states.set(file, nextFileState(signature, manifest, before));
    this.#unkept.add(file);
  }

  /** Whether the file has looked like this for long enough; begins to count when it looks new. */
  #isSettled(file: string, signature: string): boolean {
    const nowMs = this.#options.clock.now();
    const doubt = this.#doubts.get(file);
    if (doubt?.signature === signature) return nowMs - doubt.sinceMs >= this.#options.settleMs;
    this.#doubts.set(file, { signature, sinceMs: nowMs });
    return false;
  }

  async #dropMissing(files: readonly FoundFile[]) {
    const present = new Set(files.map(({ file }) => file));
    for (const [file, state] of [...this.#states]) {
      if (present.has(file)) continue;
      if (state.kept.size > 0 && !this.#isSettled(file, "gone")) {
        this.#states.set(file, { ...state, isDoubtful: true });
        continue;
      }
      this.#states.delete(file);
      this.#doubts.delete(file);
      this.#unkept.add(file);
    }
  }

  /** After what changed was published: nobody waits for the disk. */
  async #keepLastGood() {
    for (const file of this.#unkept) {
      this.#unkept.delete(file);
      try {
        await this.#options.lastGood?.put(file, this.#states.get(file)?.kept ?? new Map());
      } catch (cause) {
        this.#options.log.warn({ file, cause: String(cause) }, "keeping the last good version failed");
      }
    }
  }

  #publish(order: readonly string[], pathProblems: readonly Problem[]) {
    const present = new Set(order);
    const gone = [...this.#states.keys()].filter((file) => !present.has(file)).sort();
    const states = [...order, ...gone].flatMap((file) => this.#states.get(file) ?? []);
    const before = this.#published;
    // Several events tell of one save.
    if (before !== undefined && isSameList(before.states, states)) {
      if (isDeepStrictEqual(before.pathProblems, pathProblems)) return;
    }
    const { objects, problems: fileProblems } = mergeFileStates(states);
    const problems = [...pathProblems, ...fileProblems];
    this.#published = { states, pathProblems, objects, problems };
    const changes = changesSince(before?.objects ?? new Map(), objects);
    if (isNothing(changes) && isDeepStrictEqual(problems, before?.problems)) return;
    const { upserts, moves, deletes } = changes;
    this.#options.log.info(
      {
        upserts: upserts.length,
        moves: moves.length,
        deletes: deletes.length,
        problems: problems.length,
      },
      "files read",
    );
    this.#options.onChange({ ...changes, problems });
  }
}

interface Published {
  readonly states: readonly FileState[];
  readonly pathProblems: readonly Problem[];
  readonly objects: ObjectsByKey;
  readonly problems: readonly Problem[];
}

function isSameList<T>(one: readonly T[], other: readonly T[]): boolean {
  return one.length === other.length && one.every((item, at) => item === other[at]);
}
