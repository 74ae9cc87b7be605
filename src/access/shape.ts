/** The part of JSON Schema that is needed here: what is wrong, where, and what is allowed instead. */
export interface Shape {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  /** Whether the words of `enum`, which are in capitals, may be written in any case. */
  readonly anyCase?: boolean;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly minProperties?: number;
  readonly required?: readonly string[];
  readonly properties?: { readonly [name: string]: Shape };
  /** `false`: no others. A shape: what the others look like. */
  readonly additionalProperties?: boolean | Shape;
  readonly items?: Shape;
  readonly oneOf?: readonly Shape[];
  readonly $ref?: string;
  readonly definitions?: { readonly [name: string]: Shape };
  readonly [annotation: string]: unknown;
}

const WORDS: Record<string, string> = { object: 'an object', array: 'a list', string: 'text', integer: 'a whole number', boolean: 'true or false' };

/** Where a value has not the shape, each a sentence that begins with the place. What is null counts as left out. */
export function shapeProblems(value: any, shape: Shape, place = '', root: Shape = shape): string[] {
  const { type, oneOf, $ref } = shape;
  if ($ref !== undefined) return shapeProblems(value, root.definitions![$ref.split('/').pop()!], place, root);
  const wrong = (wanted: string) => [`${place === '' ? 'the whole' : place}: ${shown(value)} is not allowed; it is ${wanted}`];
  if (oneOf) {
    if (oneOf.some(one => shapeProblems(value, one, place, root).length === 0)) return [];
    return wrong(oneOf.map(one => allowedBy(one, root)).join(', or '));
  }
  if (shape.enum && !shape.enum.includes(shape.anyCase && typeof value === 'string' ? value.toUpperCase() : value)) return wrong(allowedBy(shape, root));
  if (type !== undefined && !isOf(value, type)) return wrong(allowedBy(shape, root));
  if (typeof value === 'string' && ((shape.pattern !== undefined && !new RegExp(shape.pattern).test(value)) || value.length < (shape.minLength ?? 0))) {
    return wrong(allowedBy(shape, root));
  }
  if (typeof value === 'number' && (value < (shape.minimum ?? value) || value > (shape.maximum ?? value))) return wrong(allowedBy(shape, root));
  if (Array.isArray(value)) {
    if (value.length < (shape.minItems ?? 0)) return wrong('a list that is not empty');
    const { items } = shape;
    return items ? value.flatMap((item, index) => shapeProblems(item, items, `${place}[${index}]`, root)) : [];
  }
  return isOf(value, 'object') && type === 'object' ? fieldProblems(value, shape, place, root, wrong) : [];
}

function fieldProblems(value: any, { properties = {}, additionalProperties, required = [], minProperties = 0 }: Shape, place: string, root: Shape,
  wrong: (wanted: string) => string[]): string[] {
  const below = (name: string) => place === '' ? name : `${place}.${name}`;
  const problems = required.filter(name => value[name] === undefined || value[name] === null).map(name => `${below(name)}: is missing`);
  const names = Object.keys(value);
  if (names.length < minProperties) problems.push(...wrong('an object that is not empty'));
  for (const name of names) {
    if (value[name] === null || value[name] === undefined) continue;
    const known = Object.prototype.hasOwnProperty.call(properties, name) ? properties[name] : undefined;
    if (known) problems.push(...shapeProblems(value[name], known, below(name), root));
    else if (additionalProperties === false) problems.push(`${below(name)}: there is no such field; there are ${Object.keys(properties).join(', ')}`);
    else if (typeof additionalProperties === 'object') problems.push(...shapeProblems(value[name], additionalProperties, below(name), root));
  }
  return problems;
}

function allowedBy(shape: Shape, root: Shape): string {
  if (shape.$ref !== undefined) return allowedBy(root.definitions![shape.$ref.split('/').pop()!], root);
  if (shape.enum) return shape.enum.filter(word => word !== '').join(', ').replace(/, ([^,]*)$/, ' or $1');
  const word = WORDS[shape.type ?? ''] ?? 'something else';
  if (shape.minimum !== undefined) return `${word} from ${shape.minimum} to ${shape.maximum}`;
  return shape.pattern === undefined ? word : `${word} like ${shape.pattern}`;
}

function isOf(value: unknown, type: string): boolean {
  switch (type) {
    case 'array': return Array.isArray(value);
    case 'integer': return Number.isInteger(value);
    case 'object': return typeof value === 'object' && value !== null && !Array.isArray(value);
    default: return typeof value === type;
  }
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
