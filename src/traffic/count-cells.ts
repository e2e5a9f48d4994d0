// Counts of one series in one period, 128 bytes each, in blocks that are made when they are needed and never grow beyond
// what was allowed: an hour of a mesh's traffic as objects would take ten times as much.

import { LATENCY_BUCKET_COUNT } from "../core/latency-buckets.ts";
import type { TrafficCounts } from "../core/traffic-report.ts";

// Of a cell's 32 words, bytes take two 64-bit floats, and the latency buckets the last 24.
const CELL_WORDS = 8 + LATENCY_BUCKET_COUNT;
export const CELL_BYTES = CELL_WORDS * 4;
const CELLS_PER_BLOCK = 4_096;
const RECEIVED = 0;
const SENT = 1;
const FAILURES = 4;
const OPENED = 5;
const CLOSED = 6;
const LATENCY = 8;
const MAX_WORD = 2 ** 32 - 1;

interface Block {
  readonly words: Uint32Array;
  readonly floats: Float64Array;
}

export class CountCells {
  readonly #maxCells: number;
  readonly #blocks: Block[] = [];
  readonly #free: number[] = [];
  #made = 0;

  /** Whole blocks of 4,096. */
  constructor(maxCells: number) {
    this.#maxCells = Math.ceil(maxCells / CELLS_PER_BLOCK) * CELLS_PER_BLOCK;
  }

  get usedCount(): number {
    return this.#made - this.#free.length;
  }

  /** Of all blocks, used or not. */
  get byteCount(): number {
    return this.#blocks.length * CELLS_PER_BLOCK * CELL_BYTES;
  }

  /** A cell of zeros; undefined where all that are allowed are in use. */
  take(): number | undefined {
    const freed = this.#free.pop();
    if (freed !== undefined) return freed;
    if (this.#made >= this.#maxCells) return undefined;
    if (this.#made === this.#blocks.length * CELLS_PER_BLOCK) this.#blocks.push(newBlock());
    this.#made += 1;
    return this.#made - 1;
  }

  release(cell: number): void {
    const at = wordOf(cell);
    this.#blockOf(cell).words.fill(0, at, at + CELL_WORDS);
    this.#free.push(cell);
  }

  // Plain loops: this runs twice for each series of each report.
  add(cell: number, counts: Readonly<TrafficCounts>): void {
    const { words, floats } = this.#blockOf(cell);
    const at = wordOf(cell);
    floats[at / 2 + RECEIVED] = (floats[at / 2 + RECEIVED] ?? 0) + counts.receivedBytes;
    floats[at / 2 + SENT] = (floats[at / 2 + SENT] ?? 0) + counts.sentBytes;
    addWord(words, at + FAILURES, counts.failures);
    addWord(words, at + OPENED, counts.opened);
    addWord(words, at + CLOSED, counts.closed);
    for (let bucket = 0; bucket < LATENCY_BUCKET_COUNT; bucket += 1)
      addWord(words, at + LATENCY + bucket, counts.latency[bucket] ?? 0);
  }

  addTo(sum: TrafficCounts, cell: number): void {
    const { words, floats } = this.#blockOf(cell);
    const at = wordOf(cell);
    sum.receivedBytes += floats[at / 2 + RECEIVED] ?? 0;
    sum.sentBytes += floats[at / 2 + SENT] ?? 0;
    sum.failures += words[at + FAILURES] ?? 0;
    sum.opened += words[at + OPENED] ?? 0;
    sum.closed += words[at + CLOSED] ?? 0;
    for (let bucket = 0; bucket < LATENCY_BUCKET_COUNT; bucket += 1)
      sum.latency[bucket] = (sum.latency[bucket] ?? 0) + (words[at + LATENCY + bucket] ?? 0);
  }

  #blockOf(cell: number): Block {
    const block = this.#blocks[Math.floor(cell / CELLS_PER_BLOCK)];
    if (block === undefined) throw new Error(`There is no cell ${cell}`);
    return block;
  }
}

function wordOf(cell: number): number {
  return (cell % CELLS_PER_BLOCK) * CELL_WORDS;
}

/** A word that is full stays so rather than begin at zero again. */
function addWord(words: Uint32Array, at: number, count: number): void {
  if (count > 0) words[at] = Math.min(MAX_WORD, (words[at] ?? 0) + count);
}

function newBlock(): Block {
  const buffer = new ArrayBuffer(CELLS_PER_BLOCK * CELL_BYTES);
  return { words: new Uint32Array(buffer), floats: new Float64Array(buffer) };
}
