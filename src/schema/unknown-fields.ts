import { fieldOf, placeOf } from './place';
import { ownField, Shape } from './shape';

/** A field that a shape does not have. */
export interface UnknownField {
  /** As `spec.http[0].rout`. */
  readonly place: string;
  readonly name: string;
  /** The fields that the shape has there. */
  readonly known: readonly string[];
}

/** The fields of a value that its shape does not have. What no shape describes may have any. */
export function unknownFields(value: unknown, shape: Shape): UnknownField[] {
  const found: UnknownField[] = [];
  collect(value, shape, [], found);
  return found;
}

/** Places are put into words only where a field is unknown. */
function collect(value: unknown, shape: Shape, at: (string | number)[], found: UnknownField[]): void {
  if (typeof value !== 'object' || value === null) return;
  const { items, properties, additionalProperties } = shape;
  if (Array.isArray(value)) {
    if (items) for (let index = 0; index < value.length; index++) below(index, value[index], items, at, found);
    return;
  }
  for (const name in value) {
    const known = properties === undefined ? additionalProperties : ownField(properties, name);
    if (typeof known === 'object') below(name, (value as Readonly<Record<string, unknown>>)[name], known, at, found);
    else if (properties) found.push({ place: placeOf([...at, name]), name, known: Object.keys(properties) });
  }
}

/** This runs over every value of an app, most of which are text and numbers. */
function below(step: string | number, value: unknown, shape: Shape, at: (string | number)[], found: UnknownField[]) {
  if (typeof value !== 'object') return;
  at.push(step);
  collect(value, shape, at, found);
  at.pop();
}

/** Where in a shape there is a field of a name, as `spec.http.route`. */
export function placesOf(name: string, { properties, items }: Shape, place: string): string[] {
  const fields = Object.entries(properties ?? {});
  return [
    ...fields.filter(([field]) => field === name).map(() => fieldOf(place, name)),
    ...fields.flatMap(([field, shape]) => placesOf(name, shape, fieldOf(place, field))),
    ...(items ? placesOf(name, items, place) : []),
  ];
}
