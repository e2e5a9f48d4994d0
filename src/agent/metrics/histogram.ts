// A histogram with fixed bounds, as Prometheus' text format has it.

export class Histogram {
  readonly #bounds: readonly number[];
  /** One more than bounds: the last holds what is above all of them. */
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let at = 0;
    while (at < bounds.length && value > (bounds[at] ?? 0)) at += 1;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += value;
  }

  text(name: string, labels: string): string {
    let count = 0;
    let text = "";
    for (const [at, own] of this.#counts.entries()) {
      count += own;
      text += `${name}_bucket{${labels},le="${this.#bounds[at] ?? "+Inf"}"} ${count}\n`;
    }
    return `${text}${name}_sum{${labels}} ${this.#sum}\n${name}_count{${labels}} ${count}\n`;
  }
}

/** Upper bounds that Istio's histograms have, of milliseconds and of bytes alike: Envoy's own. */
export const DEFAULT_BOUNDS: readonly number[] = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000,
  1_800_000, 3_600_000,
];
