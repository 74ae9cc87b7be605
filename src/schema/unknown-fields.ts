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
  if (isObject(value)) collect(value, shape, [], found);
  return found;
}

/**
 * This runs over every value of an app, most of which are text and numbers, and places are put into words only where a
 * field is unknown. One function that calls itself: with two that call each other, the one run at synth takes twice as
 * long, since V8 compiles each into the other.
 */
function collect(value: object, shape: Shape, at: (string | number)[], found: UnknownField[]): void {
  const { items, properties, additionalProperties } = shape;
  if (Array.isArray(value)) {
    if (items === undefined) return;
    for (let index = 0; index < value.length; index++) {
      const item: unknown = value[index];
      if (!isObject(item)) continue;
      at.push(index);
      collect(item, items, at, found);
      at.pop();
    }
    return;
  }
  for (const name in value) {
    const known = properties === undefined ? additionalProperties : ownField(properties, name);
    if (typeof known === 'object') {
      const field = (value as Readonly<Record<string, unknown>>)[name];
      if (!isObject(field)) continue;
      at.push(name);
      collect(field, known, at, found);
      at.pop();
    } else if (properties) found.push({ place: placeOf([...at, name]), name, known: Object.keys(properties) });
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
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
