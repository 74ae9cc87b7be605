const UNITS: Readonly<Record<string, number>> = { h: 3600e3, m: 60e3, s: 1e3, ms: 1, us: 1e-3, µs: 1e-3, ns: 1e-6 };
const READABLE = /^[-+]?(0|((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+)$/;
/** What nanoseconds in 64 bits hold. */
const LONGEST = 2 ** 63 / 1e6;

/** `1h`, `1m30s`, `0.5s`, `250ms` in milliseconds. */
export function millisecondsOf(duration: string): number {
  let sum = 0;
  for (const [, number, unit] of String(duration).matchAll(/([\d.]+)(ns|us|µs|ms|h|m|s)/g))
    sum += Number(number) * UNITS[unit];
  return String(duration).startsWith('-') ? -sum : sum;
}

/** Whether Go reads it as a duration. */
export function isDuration(text: string): boolean {
  return READABLE.test(text) && Math.abs(millisecondsOf(text)) < LONGEST;
}
