/** A complete deterministic automaton: `next[state * columns + column]`. */
interface Automaton {
  readonly columns: number;
  readonly next: Int32Array;
  readonly accepts: Uint8Array;
}

/** States that no text has told apart so far, divided until none does (Hopcroft's algorithm). */
export class Partition {
  private readonly columns: number;
  private readonly count: number;
  /** The states from which a column leads to a state: those of `sources` between two numbers of `starts`. */
  private readonly starts: Int32Array;
  private readonly sources: Int32Array;
  /** All states, block by block. */
  private readonly order: Int32Array;
  private readonly placeOf: Int32Array;
  private readonly blockOf: Int32Array;
  private readonly first: number[] = [];
  private readonly size: number[] = [];
  /** Number of states at the beginning of a block that the text at hand tells from the others. */
  private readonly marked: number[] = [];
  private readonly waiting: number[] = [];
  private readonly isWaiting: boolean[] = [];

  constructor({ columns, next, accepts }: Automaton) {
    this.columns = columns;
    this.count = accepts.length;
    this.starts = new Int32Array(this.count * columns + 1);
    this.sources = new Int32Array(this.count * columns);
    this.reverse(next);
    const states = Array.from({ length: this.count }, (_, state) => state);
    const halves = [states.filter((state) => accepts[state] === 1), states.filter((state) => accepts[state] !== 1)];
    this.order = Int32Array.from(halves.flat());
    this.placeOf = new Int32Array(this.count);
    for (const [place, state] of this.order.entries()) this.placeOf[state] = place;
    this.blockOf = new Int32Array(this.count);
    for (const half of halves) if (half.length > 0) this.add(half.length);
    this.wait(this.size.length > 1 && (this.size[0] ?? 0) > (this.size[1] ?? 0) ? 1 : 0);
  }

  private reverse(next: Int32Array): void {
    const { columns, count, starts, sources } = this;
    const cell = (state: number, column: number) => (next[state * columns + column] ?? 0) * columns + column;
    for (let state = 0; state < count; state++)
      for (let column = 0; column < columns; column++)
        starts[cell(state, column) + 1] = (starts[cell(state, column) + 1] ?? 0) + 1;
    for (let at = 1; at < starts.length; at++) starts[at] = (starts[at] ?? 0) + (starts[at - 1] ?? 0);
    const filled = starts.slice();
    for (let state = 0; state < count; state++)
      for (let column = 0; column < columns; column++) {
        const own = cell(state, column);
        const place = filled[own] ?? 0;
        sources[place] = state;
        filled[own] = place + 1;
      }
  }

  /** Adds a block of so many states behind the last one. */
  private add(size: number): void {
    const block = this.first.length;
    const first = block === 0 ? 0 : (this.first[block - 1] ?? 0) + (this.size[block - 1] ?? 0);
    this.put(block, first, size);
  }

  private put(block: number, first: number, size: number): void {
    this.first[block] = first;
    this.size[block] = size;
    this.marked[block] = 0;
    for (let place = first; place < first + size; place++) this.blockOf[this.order[place] ?? 0] = block;
  }

  private wait(block: number): void {
    if (this.isWaiting[block]) return;
    this.isWaiting[block] = true;
    this.waiting.push(block);
  }

  /** Returns the number of the block of each state. */
  blocks(): Int32Array {
    for (let block = this.waiting.pop(); block !== undefined; block = this.waiting.pop()) {
      this.isWaiting[block] = false;
      const first = this.first[block] ?? 0;
      const states = this.order.slice(first, first + (this.size[block] ?? 0));
      for (let column = 0; column < this.columns; column++) this.divideBy(states, column);
    }
    return this.blockOf;
  }

  /** Divides blocks into the states that a column leads to some states, and the others. */
  private divideBy(states: Int32Array, column: number): void {
    const touched: number[] = [];
    for (const state of states) {
      const cell = state * this.columns + column;
      for (let at = this.starts[cell] ?? 0; at < (this.starts[cell + 1] ?? 0); at++) {
        const block = this.mark(this.sources[at] ?? 0);
        if (this.marked[block] === 1) touched.push(block);
      }
    }
    for (const block of touched) this.divide(block);
  }

  private mark(state: number): number {
    const block = this.blockOf[state] ?? 0;
    const to = (this.first[block] ?? 0) + (this.marked[block] ?? 0);
    const [from, other] = [this.placeOf[state] ?? 0, this.order[to] ?? 0];
    this.order[from] = other;
    this.placeOf[other] = from;
    this.order[to] = state;
    this.placeOf[state] = to;
    this.marked[block] = (this.marked[block] ?? 0) + 1;
    return block;
  }

  private divide(block: number): void {
    const [first, size, marked] = [this.first[block] ?? 0, this.size[block] ?? 0, this.marked[block] ?? 0];
    this.marked[block] = 0;
    if (marked === size) return;
    const other = this.first.length;
    // The smaller part becomes a block of its own.
    const isFront = marked <= size - marked;
    this.put(other, isFront ? first : first + marked, isFront ? marked : size - marked);
    this.first[block] = isFront ? first + marked : first;
    this.size[block] = isFront ? size - marked : marked;
    this.wait(other);
  }
}
