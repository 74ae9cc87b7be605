/** A value in an error: short, and never more than its outline, since an object may hold the whole app. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) {
    const items = value.slice(0, 3).map(outline);
    return `[${[...items, ...(value.length > 3 ? ['…'] : [])].join(', ')}]`;
  }
  if (typeof value !== 'object' || value === null) return outline(value);
  const title = classOf(value);
  if (title !== 'Object') return `an object of class ${title}`;
  const fields = Object.entries(value);
  if (fields.length === 0) return '{}';
  const items = fields.slice(0, 3).map(([name, field]) => `${name}: ${outline(field)}`);
  return `{ ${[...items, ...(fields.length > 3 ? ['…'] : [])].join(', ')} }`;
}

function outline(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'function') return `the function ${value.name || '(without a name)'}`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return value.length === 0 ? '[]' : '[…]';
  return classOf(value) === 'Object' ? '{…}' : classOf(value);
}

function classOf(value: object): string {
  const title: unknown = value.constructor?.name;
  return typeof title === 'string' && title !== '' ? title : 'Object';
}
