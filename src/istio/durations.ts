const UNITS: Readonly<Record<string, number>> = { h: 3600e3, m: 60e3, s: 1e3, ms: 1, us: 1e-3, ns: 1e-6 };

/** `1h`, `1m30s`, `0.5s`, `250ms` in milliseconds. */
export function millisecondsOf(duration: string): number {
  let sum = 0;
  for (const [, number, unit] of String(duration).matchAll(/([\d.]+)(ns|us|ms|h|m|s)/g))
    sum += Number(number) * UNITS[unit];
  return sum;
}
