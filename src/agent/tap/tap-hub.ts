// Everybody who taps this proxy. Envoy writes the lines of taps while there is anybody, and no longer; who reads slowly
// loses events and is told how many, so that taps hold no memory and traffic never waits for one.

import type { Clock } from "../../core/clock.ts";
import type { Logger } from "../../core/logger.ts";
import { isAskedFor, type TapLoss, type TapQuery } from "../../core/tap-event.ts";
import { isTapLine, parseTapLine, type TapLine } from "../../core/tap-record.ts";
import type { WorkloadDescription } from "../../core/workload-description.ts";
import { type TapView, tapEventOf } from "./tap-event-of.ts";

export interface TapHubOptions {
  /** The agent's own pod. */
  readonly own: WorkloadDescription;
  /** Has Envoy write the lines, or write them no longer; rejects while Envoy can't be asked. */
  readonly setTapped: (isTapped: boolean) => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface TapReader {
  /**
   * `text`: a TapEvent or a TapLoss as JSON. False: it has had enough for now, and says so by `Tap.resume` when it takes
   * more.
   */
  take(text: string): boolean;
}

export interface Tap {
  /** The reader takes more again. */
  resume(): void;
  close(): void;
}

/** Of a proxy at a time. */
export const MAX_TAPS = 128;
const TRY_AGAIN_MS = 500;

interface OpenTap {
  readonly query: TapQuery;
  readonly reader: TapReader;
  isFull: boolean;
  droppedCount: number;
}

export class TapHub {
  readonly #options: TapHubOptions;
  readonly #taps = new Set<OpenTap>();
  #isTapped = false;
  #envoyCount = 0;
  #isSetting = false;
  #isClosed = false;
  #cancelRetry: () => void = () => undefined;

  constructor(options: TapHubOptions) {
    this.#options = options;
  }

  get tapCount(): number {
    return this.#taps.size;
  }

  /** Undefined where there are as many as there may be. */
  open(query: TapQuery, reader: TapReader): Tap | undefined {
    if (this.#taps.size >= MAX_TAPS) return undefined;
    const tap: OpenTap = { query, reader, isFull: false, droppedCount: 0 };
    this.#taps.add(tap);
    void this.#agree();
    return {
      resume: () => this.#resume(tap),
      close: () => {
        this.#taps.delete(tap);
        void this.#agree();
      },
    };
  }

  /** Takes a line of Envoy's output if it is a tap's, and says whether it was. */
  take(text: string): boolean {
    if (!isTapLine(text)) return false;
    const line = this.#taps.size === 0 ? undefined : parseTapLine(text);
    if (line === undefined) return true;
    // Filters see the path as it is, whatever is shown of it.
    const whole = tapEventOf(this.#options.own, line, { headers: [], isQueryShown: true });
    // Many who tap in the same way cost as much as one.
    const texts = new Map<string, string>();
    for (const tap of this.#taps) {
      if (!isAskedFor(whole, tap.query)) continue;
      if (tap.isFull) tap.droppedCount += 1;
      else tap.isFull = !tap.reader.take(this.#shown(line, tap.query, texts));
    }
    return true;
  }

  #shown(line: TapLine, view: TapView, texts: Map<string, string>): string {
    const key = `${view.isQueryShown} ${view.headers.join()}`;
    const text = texts.get(key) ?? JSON.stringify(tapEventOf(this.#options.own, line, view));
    texts.set(key, text);
    return text;
  }

  /** Another Envoy begins, and writes nothing of taps. */
  envoyStarted(): void {
    this.#envoyCount += 1;
    this.#isTapped = false;
    void this.#agree();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelRetry();
    this.#taps.clear();
  }

  #resume(tap: OpenTap): void {
    if (!this.#taps.has(tap)) return;
    tap.isFull = false;
    if (tap.droppedCount === 0) return;
    const dropped = tap.droppedCount;
    tap.droppedCount = 0;
    const loss: TapLoss = { dropped };
    tap.isFull = !tap.reader.take(JSON.stringify(loss));
  }

  /** Asks Envoy until it does as is wanted: a tap may end while it is asked, and Envoy may be just about to start. */
  async #agree(): Promise<void> {
    if (this.#isSetting || this.#isClosed) return;
    this.#isSetting = true;
    this.#cancelRetry();
    try {
      while (this.#isTapped !== this.#isWanted) {
        const [isWanted, envoy] = [this.#isWanted, this.#envoyCount];
        await this.#options.setTapped(isWanted);
        if (envoy === this.#envoyCount) this.#isTapped = isWanted;
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.log.debug({ reason }, "envoy not asked for taps");
      this.#cancelRetry = this.#options.clock.after(TRY_AGAIN_MS, () => void this.#agree());
    } finally {
      this.#isSetting = false;
    }
  }

  get #isWanted(): boolean {
    return this.#taps.size > 0;
  }
}
