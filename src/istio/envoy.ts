/** What Envoy takes in a configuration, where Go, and with it admission, takes more. */
import { millisecondsOf } from '../schema/durations';

/** Envoy takes less than Go and Istio do: 9223372036s are too many. */
export const LONGEST_DURATION = '876000h';

/** ASCII but for `{`, `\p` and `\P`: what Go and RE2 read alike, and what stays small when it is compiled. */
export const COMMON_REGEX = '^([ -\\[\\]-z|}~]|\\\\[!-OQ-oq-~])*$';

/** What is certainly not too much for RE2, in characters of an expression whose repetitions are written out. */
const SHORT_REGEX = 10_000;

/** Whether Envoy knows this duration. */
export function isKnownDuration(duration: string): boolean {
  const milliseconds = millisecondsOf(duration);
  return milliseconds >= 0 && milliseconds <= millisecondsOf(LONGEST_DURATION);
}

/** Whether Envoy certainly compiles a regular expression that Go compiles. */
export function isCommonRegex(expression: string): boolean {
  let times = 1;
  const written = expression.replace(/\{(\d+)(?:,(\d*))?\}/g, (_, least: string, most: string | undefined) => {
    times *= Math.max(Number(most || least), 1);
    return '';
  });
  return new RegExp(COMMON_REGEX).test(written) && written.length * times <= SHORT_REGEX;
}
