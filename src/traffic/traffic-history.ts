// The last hour of the mesh's traffic, as proxies told it: five minutes in steps of 10 s, an hour in steps of a minute.
// What it may hold is bounded, in series and in counts; where that is too little, the oldest goes first. What a reporter
// is called comes from its certificate, so it can say nothing of anybody's traffic but its own.

import type { Clock } from "../core/clock.ts";
import {
  emptyCounts,
  type TrafficCounts,
  type TrafficKey,
  type TrafficReport,
} from "../core/traffic-report.ts";
import { CountCells } from "./count-cells.ts";

export interface TrafficHistoryOptions {
  readonly clock: Clock;
  /** Counts of a series in a step, 128 bytes each; 262,144 unless given. */
  readonly maxCells?: number;
  /** 20,000 unless given. */
  readonly maxSeries?: number;
  /** 1,000 unless given. */
  readonly maxSeriesOfWorkload?: number;
}

/** Whose report it is, by who has shown a certificate. */
export interface ReportingWorkload {
  readonly workload: string;
  readonly namespace: string;
  /** Its SPIFFE id. */
  readonly principal: string;
  /** Of the pod; another for each. */
  readonly id: string;
}

/** A series, with the reporter's own names. */
export interface TrafficSeries extends TrafficKey {
  readonly workload: string;
  readonly namespace: string;
  readonly principal: string;
}

export interface TrafficWindow {
  /** What is counted came between these times. */
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly series: readonly (readonly [TrafficSeries, TrafficCounts])[];
}

interface KeptSeries {
  readonly key: TrafficSeries;
  readonly text: string;
  readonly owner: string;
  /** Cells that hold counts of it, and who is using it just now. */
  useCount: number;
}

interface Step {
  readonly startMs: number;
  readonly cells: Map<KeptSeries, number>;
}

/** Steps that hold something, the newest last. */
interface Steps {
  readonly stepMs: number;
  readonly keptMs: number;
  all: Step[];
  /** What came before is incomplete. */
  completeSinceMs: number;
}

const FINE = { stepMs: 10_000, keptMs: 5 * 60_000 };
const COARSE = { stepMs: 60_000, keptMs: 60 * 60_000 };
export const MAX_WINDOW_MS = COARSE.keptMs;

const DEFAULT_MAX_CELLS = 262_144;
const DEFAULT_MAX_SERIES = 20_000;
const DEFAULT_MAX_SERIES_OF_WORKLOAD = 1_000;
/** So that a report that is sent again is known. */
const MAX_REMEMBERED_REPORTERS = 20_000;
export const OVERFLOW = "overflow";

export class TrafficHistory {
  readonly #clock: Clock;
  readonly #maxSeries: number;
  readonly #maxSeriesOfWorkload: number;
  readonly #cells: CountCells;
  readonly #series = new Map<string, KeptSeries>();
  readonly #seriesCountByOwner = new Map<string, number>();
  readonly #lastReports = new Map<string, { readonly run: string; readonly sequence: number }>();
  readonly #fine: Steps;
  readonly #coarse: Steps;

  constructor({ clock, maxCells, maxSeries, maxSeriesOfWorkload }: TrafficHistoryOptions) {
    this.#clock = clock;
    this.#maxSeries = maxSeries ?? DEFAULT_MAX_SERIES;
    this.#maxSeriesOfWorkload = maxSeriesOfWorkload ?? DEFAULT_MAX_SERIES_OF_WORKLOAD;
    this.#cells = new CountCells(maxCells ?? DEFAULT_MAX_CELLS);
    this.#fine = { ...FINE, all: [], completeSinceMs: clock.now() };
    this.#coarse = { ...COARSE, all: [], completeSinceMs: clock.now() };
  }

  get seriesCount(): number {
    return this.#series.size;
  }

  /** Of counts alone. */
  get byteCount(): number {
    return this.#cells.byteCount;
  }

  /** False where the report was taken before. */
  add(reporter: ReportingWorkload, report: TrafficReport): boolean {
    if (!this.#isNew(reporter.id, report)) return false;
    this.#forgetOld();
    const [fine, coarse] = [this.#currentStep(this.#fine), this.#currentStep(this.#coarse)];
    for (const [key, counts] of report.series) {
      const series = this.#seriesOf(reporter, key);
      series.useCount += 1;
      this.#addTo(fine, series, counts);
      this.#addTo(coarse, series, counts);
      this.#release(series);
    }
    return true;
  }

  /** The steps that hold the last `windowMs`, the one that isn't over yet among them. */
  read(windowMs: number): TrafficWindow {
    this.#forgetOld();
    const untilMs = this.#clock.now();
    const { all, stepMs, completeSinceMs } = windowMs <= FINE.keptMs ? this.#fine : this.#coarse;
    const beginMs = Math.floor((untilMs - windowMs) / stepMs) * stepMs;
    const sums = new Map<KeptSeries, TrafficCounts>();
    for (const { startMs, cells } of all) {
      if (startMs < beginMs) continue;
      for (const [series, cell] of cells) {
        const sum = sums.get(series) ?? emptyCounts();
        this.#cells.addTo(sum, cell);
        sums.set(series, sum);
      }
    }
    const series = [...sums].map(([{ key }, counts]) => [key, counts] as const);
    return { sinceMs: Math.max(beginMs, completeSinceMs), untilMs, series };
  }

  #isNew(reporterId: string, { run, sequence }: TrafficReport): boolean {
    const last = this.#lastReports.get(reporterId);
    if (last?.run === run && sequence <= last.sequence) return false;
    // Who reported longest ago is the first of the map.
    this.#lastReports.delete(reporterId);
    this.#lastReports.set(reporterId, { run, sequence });
    const [oldest] = this.#lastReports.size > MAX_REMEMBERED_REPORTERS ? this.#lastReports.keys() : [];
    if (oldest !== undefined) this.#lastReports.delete(oldest);
    return true;
  }

  #seriesOf(reporter: ReportingWorkload, key: TrafficKey): KeptSeries {
    const { workload, namespace, principal } = reporter;
    const found = this.#find({ ...key, workload, namespace, principal });
    if (found !== undefined) return found;
    const owner = `${namespace}/${workload}`;
    const isFull =
      this.#series.size >= this.#maxSeries ||
      (this.#seriesCountByOwner.get(owner) ?? 0) >= this.#maxSeriesOfWorkload;
    const kept = { ...(isFull ? overflowOf(key) : key), workload, namespace, principal };
    return (isFull ? this.#find(kept) : undefined) ?? this.#create(kept, owner);
  }

  #find(key: TrafficSeries): KeptSeries | undefined {
    return this.#series.get(textOf(key));
  }

  #create(key: TrafficSeries, owner: string): KeptSeries {
    const series = { key, text: textOf(key), owner, useCount: 0 };
    this.#series.set(series.text, series);
    this.#seriesCountByOwner.set(owner, (this.#seriesCountByOwner.get(owner) ?? 0) + 1);
    return series;
  }

  #currentStep({ all, stepMs }: Steps): Step {
    const startMs = Math.floor(this.#clock.now() / stepMs) * stepMs;
    const last = all.at(-1);
    // A clock that was set back goes on in the newest step.
    if (last !== undefined && last.startMs >= startMs) return last;
    const step = { startMs, cells: new Map<KeptSeries, number>() };
    all.push(step);
    return step;
  }

  #addTo({ cells }: Step, series: KeptSeries, counts: TrafficCounts): void {
    const cell = cells.get(series) ?? this.#takeCell(cells, series);
    if (cell !== undefined) this.#cells.add(cell, counts);
  }

  #takeCell(cells: Step["cells"], series: KeptSeries): number | undefined {
    let cell = this.#cells.take();
    while (cell === undefined && this.#forgetOldest()) cell = this.#cells.take();
    if (cell === undefined) return undefined;
    cells.set(series, cell);
    series.useCount += 1;
    return cell;
  }

  #forgetOld(): void {
    const nowMs = this.#clock.now();
    for (const steps of [this.#fine, this.#coarse]) {
      const [oldest] = steps.all;
      if (oldest === undefined || oldest.startMs + steps.stepMs > nowMs - steps.keptMs) continue;
      const isOld = ({ startMs }: Step) => startMs + steps.stepMs <= nowMs - steps.keptMs;
      for (const step of steps.all.filter(isOld)) this.#empty(step);
      steps.all = steps.all.filter((step) => !isOld(step));
    }
  }

  /** A minute before ten seconds; the newest of each stay, since they are being written. False where there are no others. */
  #forgetOldest(): boolean {
    const steps = this.#coarse.all.length > 1 ? this.#coarse : this.#fine;
    if (steps.all.length <= 1) return false;
    const oldest = steps.all.shift();
    if (oldest === undefined) return false;
    this.#empty(oldest);
    steps.completeSinceMs = oldest.startMs + steps.stepMs;
    return true;
  }

  #empty({ cells }: Step): void {
    for (const [series, cell] of cells) {
      this.#cells.release(cell);
      this.#release(series);
    }
    cells.clear();
  }

  #release(series: KeptSeries): void {
    series.useCount -= 1;
    if (series.useCount > 0) return;
    const { text, owner } = series;
    this.#series.delete(text);
    const count = (this.#seriesCountByOwner.get(owner) ?? 0) - 1;
    if (count > 0) this.#seriesCountByOwner.set(owner, count);
    else this.#seriesCountByOwner.delete(owner);
  }
}

function textOf(key: TrafficSeries): string {
  const { workload, namespace, principal, reporter, peerWorkload, peerNamespace, peerPrincipal } = key;
  const { service, route, protocol, security } = key;
  const ends = `${workload}\n${namespace}\n${principal}\n${peerWorkload}\n${peerNamespace}\n${peerPrincipal}`;
  return `${ends}\n${reporter}\n${service}\n${route}\n${protocol}\n${security}`;
}

/** What a workload told beyond its share still counts as the workload's. */
function overflowOf({ reporter, protocol }: TrafficKey): TrafficKey {
  return {
    ...{ reporter, protocol },
    peerWorkload: OVERFLOW,
    peerNamespace: "",
    peerPrincipal: "",
    service: OVERFLOW,
    route: "",
    security: "unknown",
  };
}
