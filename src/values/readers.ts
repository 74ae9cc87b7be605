import { Chart, Duration } from 'cdk8s';
import { Construct, IConstruct } from 'constructs';
import { isA, Kind } from './brand';
import { assertAddress, assertCidr, assertPortNumber, portNumberInstead } from './ip-range';
import { assertAnnotations, assertDnsLabel, assertLabels } from './names';
import { nearest } from './nearest';
import { Problems } from './problems';
import { shown } from './shown';

/**
 * Reads one value from the user: returns it if it is of the right kind, otherwise reports what is wrong and
 * returns nothing. The compiler only checks kinds for those who write TypeScript and never cast.
 *
 * @param place what the value is called, such as `toCidrs[0]`
 */
export type Reader<T> = (value: unknown, place: string, problems: Problems) => T | undefined;

/** Reads a value that must be given. */
export interface RequiredReader<T> extends Reader<T> {
  /** What to say after "none given". */
  readonly missing: string;
}

/** A reader for every prop of an interface; those that must be given have a required one. */
export type Readers<P> = {
  readonly [K in keyof P]-?: undefined extends P[K] ? Reader<NonNullable<P[K]>> : RequiredReader<P[K]>;
};

/** Props that have been read. What was wrong is missing, and reported. */
export type Checked<P> = { readonly [K in keyof P]?: P[K] };

/** Marks a value that must be given. */
export function required<T>(reader: Reader<T>, missing: string): RequiredReader<T> {
  return Object.assign<Reader<T>, { missing: string }>((...args) => reader(...args), { missing });
}

/**
 * Reads a set of props. `null` counts as left out, as plain JavaScript often has it. Unknown props of a construct may
 * belong to a subclass, so they pass, unless one looks like a misspelling of a prop that is not given.
 *
 * @param isClosed whether nothing but these props may be given
 */
export function readProps<P>(
  given: unknown,
  readers: Readers<P>,
  problems: Problems,
  place: string = 'props',
  prefix: string = '',
  isClosed: boolean = prefix !== '',
): Checked<P> {
  const entries = Object.entries(readers) as [string, Reader<unknown> & { missing?: string }][];
  const mandatory = entries.filter(([, { missing }]) => missing !== undefined).map(([name]) => name);
  const checked: Record<string, unknown> = {};
  const nothing = given === undefined || given === null;
  if ((nothing && mandatory.length > 0) || (!nothing && (typeof given !== 'object' || Array.isArray(given)))) {
    const names = mandatory.length > 0 ? mandatory : entries.map(([name]) => name);
    const some = names.slice(0, 3).join(', ');
    problems.add(
      `${place}: ${shown(given)} is not an object; write one with ${some}${names.length > 3 ? ' and others' : ''}`,
    );
    if (prefix === '') problems.throwIfAny(); // Without any prop, all else would only be a consequence.
    return checked as Checked<P>;
  }
  const props = (given ?? {}) as Readonly<Record<string, unknown>>;
  const isGiven = (name: string) => props[name] !== undefined && props[name] !== null;
  const absent = entries.map(([name]) => name).filter((name) => !isGiven(name));
  const others = Object.keys(props).filter((name) => !(name in readers) && isGiven(name));
  const meant = (name: string) => nearest(name, absent, lettersOfSlip(name));
  const misspelt = new Map(others.map((name) => [meant(name), name]));
  for (const [name, reader] of entries) {
    const instead = misspelt.get(name);
    if (isGiven(name)) checked[name] = reader(props[name], `${prefix}${name}`, problems);
    else if (instead !== undefined) problems.add(`${prefix}${instead}: is not a prop; write ${name}`);
    else if (reader.missing !== undefined) problems.add(`${prefix}${name}: none given${reader.missing}`);
  }
  if (isClosed)
    for (const name of others)
      if (meant(name) === undefined)
        problems.add(`${prefix}${name}: is not a prop; those that are: ${entries.map(([known]) => known).join(', ')}`);
  return checked as Checked<P>;
}

/** How many letters of a name may differ for it not to be well a name of its own. */
function lettersOfSlip({ length }: string): number {
  return Math.min(2, Math.max(1, Math.floor(length / 3)));
}

/** Reads a set of options, and throws if anything is wrong with them. */
export function readOptions<P>(where: string, given: unknown, readers: Readers<P>): P {
  const problems = new Problems(where);
  const read = readProps(given, readers, problems, 'options', '', true);
  problems.throwIfAny();
  return read as P;
}

/** A set of props inside another. Parts of it that are wrong are missing from the result, as in `Checked`. */
export function struct<S>(readers: Readers<S>): Reader<S> {
  return (value, place, problems) => {
    const read = readProps(value, readers, problems, place, `${place}.`);
    return problems.has(place, 'itself') ? undefined : (read as S);
  };
}

/**
 * A list. What is wrong in it is left out of the result.
 *
 * @param example one item, as it would be written
 * @param options.empty why an empty list is refused; accepted unless given
 * @param options.unique whether no item may be listed twice
 */
export function list<T>(
  item: Reader<T>,
  example: string,
  options: { readonly empty?: string; readonly unique?: boolean } = {},
): Reader<T[]> {
  return (value, place, problems) => {
    if (!Array.isArray(value)) {
      const only = typeof value === 'string' && value !== '' ? shown(value) : example;
      problems.add(`${place}: ${shown(value)} is not a list; write ${lastOf(place)}: [${only}]`);
      return undefined;
    }
    if (value.length === 0 && options.empty !== undefined) problems.add(`${place}: ${options.empty}`);
    const listed = new Set<unknown>();
    return Array.from(value).flatMap((one, index) => {
      if (options.unique && listed.has(one)) {
        problems.add(`${place}[${index}]: ${shown(one)} is listed twice; list it once`);
        return [];
      }
      listed.add(one);
      const read = item(one, `${place}[${index}]`, problems);
      return read === undefined ? [] : [read];
    });
  };
}

/**
 * Text.
 *
 * @param what its name in errors, such as "namespace"
 * @param example a valid value
 * @param check throws if the text is wrong
 */
export function text(what: string, example: string, check: (value: string) => unknown = () => {}): Reader<string> {
  return (value, place, problems) => {
    if (typeof value !== 'string') {
      const only = Array.isArray(value) && value.length === 1 && typeof value[0] === 'string' ? value[0] : undefined;
      const instead = only === undefined ? `one such as ${JSON.stringify(example)}` : JSON.stringify(only);
      problems.add(`${place}: ${shown(value)} is not a valid ${what}; write ${instead}`);
      return undefined;
    }
    return problems.check(place, () => {
      check(value);
      return value;
    });
  };
}

/** Text that only people read. */
export function sentence(what: string, example: string, cure: string): Reader<string> {
  return text(what, example, (value) => {
    if (value.trim() === '') throw new Error(`empty; ${cure}`);
  });
}

/** A DNS label: the name of a namespace, a Service or the like. */
export function label(what: string, example: string): Reader<string> {
  return text(what, example, (value) => assertDnsLabel(value, what));
}

/** The name of a namespace. */
export const namespaceName: Reader<string> = label('namespace', 'payments');

/** Names of namespaces. */
export function namespaceNames(): Reader<string[]> {
  return list(namespaceName, '"payments"', { unique: true });
}

/**
 * Address ranges with a mask.
 *
 * @param options `whole`: why a range that holds every address is refused; accepted unless given
 */
export function cidrs({ empty, whole }: { readonly empty?: string; readonly whole?: string } = {}): Reader<string[]> {
  const cidr = text('address range', '203.0.113.0/24', (value) => {
    assertCidr(value);
    if (whole !== undefined && value.endsWith('/0')) throw new Error(`"${value}" covers every address${whole}`);
  });
  return list(cidr, '"203.0.113.0/24"', { empty });
}

/** IP addresses, and ranges where they are allowed. */
export function addresses(ranges: boolean): Reader<string[]> {
  return list(
    text('IP address', '203.0.113.10', (value) => assertAddress(value, { ranges })),
    '"203.0.113.10"',
    { unique: true },
  );
}

/** `true` or `false`. */
export const flag: Reader<boolean> = (value, place, problems) => {
  if (typeof value === 'boolean') return value;
  const meant = value === 'false' || value === 0 ? 'false' : 'true';
  problems.add(`${place}: ${shown(value)} is neither true nor false; write ${lastOf(place)}: ${meant}`);
  return undefined;
};

/** The largest number that Istio's fields for amounts hold. */
const LARGEST = 2 ** 31 - 1;

/** A whole number. */
export function count(least: number, most: number = LARGEST): Reader<number> {
  const fits = (value: unknown) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
  return (value, place, problems) => {
    if (fits(value)) return value as number;
    const meant =
      typeof value === 'string' && value.trim() !== '' && fits(Number(value)) ? `; write ${Number(value)}` : '';
    problems.add(`${place}: ${shown(value)} is not a whole number from ${least} to ${most}${meant}`);
    return undefined;
  };
}

/** A TCP port. */
export function port(check: (value: number) => number = assertPortNumber): Reader<number> {
  return (value, place, problems) => {
    if (typeof value === 'number') return problems.check(place, () => check(value));
    problems.add(`${place}: ${shown(value)} is not a port number; write ${portNumberInstead(value)}`);
    return undefined;
  };
}

/** TCP ports. */
export function ports(empty?: string): Reader<number[]> {
  return list(port(), '8443', { empty });
}

/** What Envoy takes is below this. Istio counts nanoseconds in 64 bits, which is a second more. */
const TOO_LONG_MS = 9_223_372_036_000;

/**
 * A time span, in whole milliseconds.
 *
 * @param least the shortest in milliseconds, and why
 */
export function duration(
  least: { readonly ms: number; readonly otherwise: string } = {
    ms: 1,
    otherwise: 'Istio rejects durations below a millisecond; leave it out to use the default',
  },
): Reader<Duration> {
  return (value, place, problems) => {
    if (typeof (value as Partial<Duration> | null | undefined)?.toMilliseconds !== 'function') {
      problems.add(`${place}: ${shown(value)} is not a Duration; write ${durationInstead(value)}`);
      return undefined;
    }
    const span = value as Duration;
    return problems.check(place, () => {
      const ms = span.toMilliseconds({ integral: false });
      if (!(ms >= least.ms)) throw new Error(`${ms} ms is too short: ${least.otherwise}`);
      if (ms >= TOO_LONG_MS) throw new Error(`${ms} ms is too long: Istio rejects more than 292 years; write less`);
      if (!Number.isInteger(ms)) throw new Error(`${ms} ms is not a whole number of milliseconds; round it`);
      return span;
    });
  };
}

/**
 * A member of an enumeration.
 *
 * @param title the name of the enumeration, as it is exported
 */
export function oneOf<E extends string>(title: string, members: Record<string, E>): Reader<E> {
  return (value, place, problems) => {
    const names = Object.keys(members);
    if (names.some((name) => members[name] === value)) return value as E;
    const close = typeof value === 'string' ? nearest(value, names) : undefined;
    const cure = (close === undefined ? names : [close]).map((name) => `${title}.${name}`).join(' or ');
    problems.add(`${place}: ${shown(value)} is not ${aOrAn(title)}; write ${cure}`);
    return undefined;
  };
}

/** Refuses a word that is not in a list, and says which one is meant. */
export function assertWord(value: string, what: string, words: readonly string[]): void {
  if (words.includes(value)) return;
  const close = nearest(value, words);
  const cure = close === undefined ? `one of ${words.join(', ')}` : `"${close}"`;
  throw new Error(`"${value}" is not ${what}; write ${cure}`);
}

/**
 * An object of one of this library's classes.
 *
 * @param cure what to write instead of a wrong value
 */
export function valueOf<T>(kind: Kind, cure: string | ((value: unknown) => string)): Reader<T> {
  return (value, place, problems) => {
    if (isA(kind, value)) return value as T;
    const instead = typeof cure === 'string' ? cure : cure(value);
    problems.add(`${place}: ${shown(value)} is not ${aOrAn(kind)}; write ${instead}`);
    return undefined;
  };
}

/** A construct that holds a workload. */
export const workload: Reader<IConstruct> = (value, place, problems) => {
  if (Construct.isConstruct(value)) return value;
  problems.add(`${place}: ${shown(value)} is not a construct; give a Deployment, StatefulSet, Job or the like`);
  return undefined;
};

/** A chart. */
export const chart: Reader<Chart> = (value, place, problems) => {
  if (Chart.isChart(value)) return value;
  problems.add(`${place}: ${shown(value)} is not a Chart; write new Chart(app, …) from cdk8s`);
  return undefined;
};

/**
 * A map of strings.
 *
 * @param what what the whole is, such as "set of labels"
 * @param check throws if a name or a text is wrong
 */
function record(
  what: string,
  example: string,
  check: (value: Record<string, string>) => void,
): Reader<Record<string, string>> {
  return (value, place, problems) => {
    if (typeof value !== 'object' || value === null || ![Object.prototype, null].includes(prototypeOf(value))) {
      problems.add(`${place}: ${shown(value)} is not a ${what}; write ${lastOf(place)}: ${example}`);
      return undefined;
    }
    const given = value as Record<string, string>;
    return problems.check(place, () => {
      check(given);
      return given;
    });
  };
}

/** Labels, for an object or to select pods by. */
export function labels(check: (value: Record<string, string>) => void = assertLabels): Reader<Record<string, string>> {
  return record('set of labels', '{ app: "checkout" }', check);
}

/** Annotations. */
export const annotations: Reader<Record<string, string>> = record(
  'set of annotations',
  '{ "example.com/why": "…" }',
  assertAnnotations,
);

/** An object from another realm, such as a test runner's sandbox, has another prototype of the same shape. */
function prototypeOf(value: object): object | null {
  const prototype = Object.getPrototypeOf(value);
  return prototype !== null && Object.getPrototypeOf(prototype) === null ? Object.prototype : prototype;
}

/** `"5s"` and `5` as they would be written with cdk8s. */
function durationInstead(value: unknown): string {
  const [, amount, unit] = /^(\d+)(ms|s|m|h)?$/.exec(String(typeof value === 'object' ? '' : value)) ?? [];
  if (amount === undefined) return 'one such as Duration.seconds(5)';
  const factory = { ms: 'millis', s: 'seconds', m: 'minutes', h: 'hours' }[unit ?? 's'];
  return `Duration.${factory}(${amount})`;
}

function aOrAn(title: string): string {
  return `${/^[AEIOU]/.test(title) ? 'an' : 'a'} ${title}`;
}

/** What a value is called where it is written: `toCidrs` for `unsafeAllowedEgress[0].toCidrs`. */
function lastOf(place: string): string {
  return place
    .split('.')
    .pop()!
    .replace(/\[\d+\]$/, '');
}
