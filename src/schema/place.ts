/** `access[3].expect.via`: the steps that lead to a value, as text. */
export function placeOf(steps: readonly (string | number)[], start = ''): string {
  return steps.reduce<string>(
    (place, step) => (typeof step === 'number' ? `${place}[${step}]` : fieldOf(place, step)),
    start,
  );
}

/** A field of what is at a place. */
export function fieldOf(place: string, field: string): string {
  return place === '' ? field : `${place}.${field}`;
}
