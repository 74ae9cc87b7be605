import { isDuration, millisecondsOf } from './durations';
import { placeOf } from './place';

/** The part of JSON Schema that is needed here. */
export interface Shape {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  /** Whether the values of `enum`, which are upper case, may be written in any case. */
  readonly anyCase?: boolean;
  readonly pattern?: string;
  /** A `duration` is at least a millisecond long. */
  readonly format?: 'duration';
  /** A text that fits the pattern. */
  readonly example?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly required?: readonly string[];
  /** Groups of fields of which one can be set. */
  readonly exclusive?: readonly (readonly string[])[];
  readonly properties?: { readonly [name: string]: Shape };
  /** `false`: no other fields. A shape: what the other fields look like. */
  readonly additionalProperties?: boolean | Shape;
  readonly items?: Shape;
  readonly oneOf?: readonly Shape[];
  readonly $ref?: string;
  readonly definitions?: { readonly [name: string]: Shape };
  readonly [annotation: string]: unknown;
}

const WORDS: Record<string, string> = {
  object: 'an object',
  array: 'a list',
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
};

/** Where a value does not fit the shape: sentences that begin with the place. A null field counts as absent. */
export function shapeProblems(value: unknown, shape: Shape): string[] {
  return misfits(value, shape).map(({ place, problem }) => `${place === '' ? 'the whole' : place}: ${problem}`);
}

/** A place where a value does not fit its shape. */
export interface Misfit {
  /** As `access[3].expect.via`; empty for the value itself. */
  readonly place: string;
  readonly problem: string;
}

/** Where a value does not fit the shape. A null field counts as absent. */
export function misfits(value: unknown, shape: Shape, place = ''): Misfit[] {
  const found: Misfit[] = [];
  new Reading(shape, place, found).check(value, shape);
  return found;
}

/** Checks one value against one shape. Places are put into words only where something is wrong. */
class Reading {
  private readonly at: (string | number)[] = [];

  constructor(
    private readonly root: Shape,
    private readonly place: string,
    private readonly found: Misfit[],
  ) {}

  public check(value: unknown, shape: Shape): void {
    if (shape.$ref !== undefined) return this.check(value, target(shape, this.root));
    if (shape.oneOf) {
      if (!shape.oneOf.some((one) => this.fits(value, one)))
        this.wrong(value, shape.oneOf.map((one) => allowedBy(one, this.root)).join(', or '));
    } else if (!isAllowed(value, shape)) {
      this.wrong(value, allowedBy(shape, this.root));
    } else if (Array.isArray(value)) {
      if (value.length < (shape.minItems ?? 0)) this.wrong(value, 'a list that is not empty');
      if (value.length > (shape.maxItems ?? value.length)) this.wrong(value, `a list of at most ${shape.maxItems}`);
      if (shape.items) for (let index = 0; index < value.length; index++) this.below(index, value[index], shape.items);
    } else if (shape.type === 'object') {
      this.fields(value as Readonly<Record<string, unknown>>, shape);
    }
  }

  private fields(
    value: Readonly<Record<string, unknown>>,
    { properties, additionalProperties, required, exclusive, minProperties, maxProperties }: Shape,
  ): void {
    for (const name of required ?? []) if ((value[name] ?? undefined) === undefined) this.say(name, 'is missing');
    for (const group of exclusive ?? []) {
      const given = group.filter((name) => (value[name] ?? undefined) !== undefined);
      if (given.length > 1) this.say(given[1], `only one of ${given.join(' and ')} can be set`);
    }
    if (minProperties !== undefined && Object.keys(value).length < minProperties)
      this.wrong(value, 'an object that is not empty');
    if (maxProperties !== undefined && Object.keys(value).length > maxProperties)
      this.wrong(value, `an object of at most ${maxProperties} fields`);
    for (const name in value) {
      if (value[name] === null || value[name] === undefined) continue;
      const known = ownField(properties, name);
      if (known) this.below(name, value[name], known);
      else if (additionalProperties === false)
        this.say(name, `unknown field; the fields are ${Object.keys(properties ?? {}).join(', ')}`);
      else if (typeof additionalProperties === 'object') this.below(name, value[name], additionalProperties);
    }
  }

  private below(step: string | number, value: unknown, shape: Shape): void {
    this.at.push(step);
    this.check(value, shape);
    this.at.pop();
  }

  private fits(value: unknown, shape: Shape): boolean {
    const found: Misfit[] = [];
    new Reading(this.root, '', found).check(value, shape);
    return found.length === 0;
  }

  private wrong(value: unknown, allowed: string): void {
    this.say(undefined, `${shown(value)} is not allowed; it is ${allowed}`);
  }

  private say(field: string | undefined, problem: string): void {
    const place = placeOf(field === undefined ? this.at : [...this.at, field], this.place);
    this.found.push({ place, problem });
  }
}

function target({ $ref }: Shape, root: Shape): Shape {
  return root.definitions![$ref!.split('/').pop()!];
}

/** Whether the value itself is allowed; what it contains is checked afterwards. */
function isAllowed(value: unknown, shape: Shape): boolean {
  if (shape.enum) return shape.enum.includes(shape.anyCase && typeof value === 'string' ? value.toUpperCase() : value);
  if (shape.type !== undefined && !isOf(value, shape.type)) return false;
  if (typeof value === 'string')
    return (
      (shape.pattern === undefined || new RegExp(shape.pattern).test(value)) &&
      (shape.format === undefined || (isDuration(value) && millisecondsOf(value) >= 1)) &&
      value.length >= (shape.minLength ?? 0) &&
      value.length <= (shape.maxLength ?? value.length)
    );
  return typeof value !== 'number' || (value >= (shape.minimum ?? value) && value <= (shape.maximum ?? value));
}

function allowedBy(shape: Shape, root: Shape): string {
  if (shape.$ref !== undefined) return allowedBy(target(shape, root), root);
  if (shape.enum)
    return shape.enum
      .filter((word) => word !== '')
      .join(', ')
      .replace(/, ([^,]*)$/, ' or $1');
  const word = WORDS[shape.type ?? ''] ?? 'something else';
  if (shape.minimum !== undefined)
    return shape.maximum === undefined
      ? `${word} not below ${shape.minimum}`
      : `${word} from ${shape.minimum} to ${shape.maximum}`;
  if (shape.format) return `${word} like 1.5s, of at least 1ms`;
  if (shape.maxLength !== undefined) return `${word} of at most ${shape.maxLength} characters`;
  return shape.pattern === undefined ? word : `${word} like ${shape.example ?? shape.pattern}`;
}

/** The shape of a field that is among the properties, and not in what every object inherits. */
export function ownField(properties: Shape['properties'], name: string): Shape | undefined {
  return properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined;
}

function isOf(value: unknown, type: string): boolean {
  switch (type) {
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    default:
      return typeof value === type;
  }
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
