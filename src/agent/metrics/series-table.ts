// The series of one kind, found by what a line says. Beyond the budget of label sets, all others count together: a client
// that invents names can neither fill the memory nor make its requests uncounted.

import { detached } from "../../core/detached.ts";
import { labelText } from "./label-text.ts";
import type { Labels } from "./request-labels.ts";

/** Beginnings of lines whose series is known; many may lead to one series, as the names that clients call do. */
const MAX_KNOWN_LINES = 10_000;
/** These keep their value in the series that all others count in: each has few. */
const KEPT_IN_OVERFLOW: ReadonlySet<string> = new Set(["reporter", "request_protocol"]);

export class SeriesTable<Series> {
  readonly #maxLabelSets: number;
  readonly #create: (labels: string) => Series;
  readonly #byLine = new Map<string, Series>();
  readonly #byLabels = new Map<string, Series>();
  #overflowCount = 0;

  constructor(maxLabelSets: number, create: (labels: string) => Series) {
    this.#maxLabelSets = maxLabelSets;
    this.#create = create;
  }

  /** How many lines led to the series of all others. */
  get overflowCount(): number {
    return this.#overflowCount;
  }

  all(): readonly Series[] {
    return [...this.#byLabels.values()];
  }

  /** `labelsOf` is asked where the line is new; undefined where it can't be read. */
  of(line: string, labelsOf: () => Labels | undefined): Series | undefined {
    const known = this.#byLine.get(line);
    if (known !== undefined) return known;
    const labels = labelsOf();
    if (labels === undefined) return undefined;
    const text = labelText(labels);
    const found = this.#byLabels.get(text);
    if (found === undefined && this.#byLabels.size >= this.#maxLabelSets) return this.#overflow(labels);
    const series = found ?? this.#add(text);
    if (this.#byLine.size >= MAX_KNOWN_LINES) this.#byLine.clear();
    // A line is a part of the tens of kilobytes that Envoy wrote at once.
    this.#byLine.set(detached(line), series);
    return series;
  }

  /** Isn't remembered by line: there may be any number of them. */
  #overflow(labels: Labels): Series {
    this.#overflowCount += 1;
    const text = labelText(
      labels.map(([name, value]) => [name, KEPT_IN_OVERFLOW.has(name) ? value : "overflow"]),
    );
    return this.#byLabels.get(text) ?? this.#add(text);
  }

  #add(text: string): Series {
    const series = this.#create(text);
    this.#byLabels.set(text, series);
    return series;
  }
}
