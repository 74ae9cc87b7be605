/* eslint-disable no-bitwise -- such generators mix bits */
/** Pseudo-random numbers that depend only on a seed, so that a world can be made again from its number. */
export class Random {
  private state: number;

  public constructor(seed: number) {
    this.state = Math.imul(seed + 1, 0x9e3779b1) >>> 0;
  }

  /** From 0 up to, but not including, 1 (mulberry32). */
  public next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }

  /** A whole number from 0 up to, but not including, `below`. */
  public below(below: number): number {
    return Math.floor(this.next() * below);
  }

  public chance(probability: number): boolean {
    return this.next() < probability;
  }

  public pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)];
  }

  /** One of several choices, by weight. */
  public weighted<T>(choices: readonly (readonly [number, T])[]): T {
    let at = this.next() * choices.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, choice] of choices) {
      at -= weight;
      if (at < 0) return choice;
    }
    return choices[choices.length - 1][1];
  }

  public shuffled<T>(from: readonly T[]): T[] {
    const left = [...from];
    return from.map(() => left.splice(this.below(left.length), 1)[0]);
  }

  public some<T>(from: readonly T[], least: number, most: number): T[] {
    return this.shuffled(from).slice(0, least + this.below(most - least + 1));
  }
}
