import { Shape } from './shape';

export const TEXT: Shape = { type: 'string' };
export const SOME_TEXT: Shape = { type: 'string', minLength: 1 };
export const FLAG: Shape = { type: 'boolean' };

export function list(items: Shape): Shape {
  return { type: 'array', items };
}

export function map(additionalProperties: Shape): Shape {
  return { type: 'object', additionalProperties };
}

/** A shape, and what it is for. */
export function described(description: string, shape: Shape): Shape {
  return { description, ...shape };
}
