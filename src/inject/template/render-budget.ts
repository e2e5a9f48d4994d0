// What one rendering may cost, whatever the template does: steps, output, and work, counted in characters handled. Whoever
// makes or reads a value pays for it before the work is done, and a value that is shared is paid for each time.

import { GoStruct, isMap } from "./go-value.ts";
import { TemplateFault } from "./template-fault.ts";

const MAX_STEPS = 100_000;
/** In characters; also of each text on the way there. */
export const MAX_TEXT_LENGTH = 1024 * 1024;
// Istio's own template spends about a hundredth of it. All of it is well under a second.
const MAX_WORK = 8 * 1024 * 1024;
/** What a number, or one item of a list or map, costs beside its characters. */
const NODE_WORK = 16;
const MAX_NESTING = 64;
// Finding a long text in a text takes their lengths' product at worst; the search handles about this many at once.
const SEARCHED_AT_ONCE = 16;

export class RenderBudget {
  #stepCount = 0;
  #outputLength = 0;
  #work = 0;

  step(offset: number): void {
    if (++this.#stepCount > MAX_STEPS) throw new TemplateFault("the template takes too many steps", offset);
  }

  /** Before `length` characters are written to the output. */
  spendOutput(length: number): void {
    this.#outputLength += length;
    if (this.#outputLength > MAX_TEXT_LENGTH) throw new TemplateFault("the output is too long");
  }

  spend(work: number): void {
    this.#work += work;
    if (this.#work > MAX_WORK) throw new TemplateFault("the template takes too much work");
  }

  spendNodes(count: number): void {
    this.spend(count * NODE_WORK);
  }

  /** Before a text of `length` characters is made. */
  spendText(length: number): void {
    if (length > MAX_TEXT_LENGTH) throw new TemplateFault("it makes too long a text");
    this.spend(length);
  }

  /** Before a text is looked for in another. */
  spendSearch(text: string, needle: string): void {
    this.spend(text.length * Math.ceil(needle.length / SEARCHED_AT_ONCE));
  }

  /** For what looks at a value's own characters or items, and no deeper. */
  spendSurface(value: unknown): void {
    if (typeof value === "string") this.spend(value.length);
    else if (Array.isArray(value)) this.spend(value.length);
    else if (isMap(value)) this.spendNodes(Object.keys(value).length);
  }

  /** For what goes through all of a value, as text for example. `weight` multiplies the price. */
  spendWhole(value: unknown, weight = 1): void {
    this.#spendTree(value, weight, 0);
  }

  #spendTree(value: unknown, weight: number, depth: number): void {
    if (depth > MAX_NESTING) throw new TemplateFault("a value is nested too deeply");
    this.spend(NODE_WORK * weight);
    if (typeof value === "string") this.spend(value.length * weight);
    else if (value instanceof GoStruct) this.#spendTree(value.fields, weight, depth);
    else if (Array.isArray(value)) for (const item of value) this.#spendTree(item, weight, depth + 1);
    else if (isMap(value)) {
      for (const [key, item] of Object.entries(value)) {
        this.spend(key.length * weight);
        this.#spendTree(item, weight, depth + 1);
      }
    }
  }
}
