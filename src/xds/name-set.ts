// Sets of names that cost a bit each. Thousands of streams subscribe to the same thousands of names: the names are
// kept once, in a table shared by all streams, and a stream holds a bitmap of their numbers.

/** Numbers names; a number is free again when no set holds its name. */
export class InternedNames {
  readonly #numbers = new Map<string, number>();
  readonly #names: (string | undefined)[] = [];
  readonly #holderCounts: number[] = [];
  readonly #free: number[] = [];

  get size(): number {
    return this.#numbers.size;
  }

  numberOf(name: string): number | undefined {
    return this.#numbers.get(name);
  }

  nameOf(number: number): string {
    const name = this.#names[number];
    if (name === undefined) throw new Error(`No name has number ${number}`);
    return name;
  }

  /** Numbers the name if it has no number, and counts one holder more. */
  hold(name: string): number {
    const number = this.#numbers.get(name) ?? this.#add(name);
    this.#holderCounts[number] = (this.#holderCounts[number] ?? 0) + 1;
    return number;
  }

  release(number: number): void {
    const holderCount = (this.#holderCounts[number] ?? 0) - 1;
    this.#holderCounts[number] = holderCount;
    if (holderCount > 0) return;
    this.#numbers.delete(this.nameOf(number));
    this.#names[number] = undefined;
    this.#free.push(number);
  }

  #add(name: string): number {
    const number = this.#free.pop() ?? this.#names.length;
    this.#numbers.set(name, number);
    this.#names[number] = name;
    return number;
  }
}

export class NameSet implements Iterable<string> {
  readonly #table: InternedNames;
  #words = new Uint32Array(0);
  #size = 0;
  #characterCount = 0;

  constructor(table: InternedNames) {
    this.#table = table;
  }

  get size(): number {
    return this.#size;
  }

  /** Of all names together. */
  get characterCount(): number {
    return this.#characterCount;
  }

  has(name: string): boolean {
    const number = this.#table.numberOf(name);
    return number !== undefined && this.#hasNumber(number);
  }

  add(name: string): void {
    const known = this.#table.numberOf(name);
    if (known !== undefined && this.#hasNumber(known)) return;
    const number = this.#table.hold(name);
    const index = number >>> 5;
    if (index >= this.#words.length) this.#grow(index + 1);
    this.#words[index] = (this.#words[index] ?? 0) | (1 << (number & 31));
    this.#size += 1;
    this.#characterCount += name.length;
  }

  delete(name: string): boolean {
    const number = this.#table.numberOf(name);
    if (number === undefined || !this.#hasNumber(number)) return false;
    const index = number >>> 5;
    this.#words[index] = (this.#words[index] ?? 0) & ~(1 << (number & 31));
    this.#size -= 1;
    this.#characterCount -= name.length;
    this.#table.release(number);
    return true;
  }

  /** Must be called when its stream ends, or its names stay in the table. */
  clear(): void {
    for (const name of [...this]) this.delete(name);
  }

  *[Symbol.iterator](): Iterator<string> {
    for (let index = 0; index < this.#words.length; index += 1) {
      let word = this.#words[index] ?? 0;
      while (word !== 0) {
        const bit = 31 - Math.clz32(word & -word);
        yield this.#table.nameOf(index * 32 + bit);
        word &= word - 1;
      }
    }
  }

  #hasNumber(number: number): boolean {
    return (((this.#words[number >>> 5] ?? 0) >>> (number & 31)) & 1) === 1;
  }

  #grow(wordCount: number): void {
    const words = new Uint32Array(Math.max(wordCount, this.#words.length * 2));
    words.set(this.#words);
    this.#words = words;
  }
}
