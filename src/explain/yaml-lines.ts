const PLAIN = /^(?!(true|false|null|yes|no|on|off|y|n)$)[a-z][\w./-]*$/i;

/** A proposed manifest as lines of YAML, so that using the model alone does not load a YAML library. */
export function yamlLines(value: unknown): string[] {
  if (Array.isArray(value)) {
    return value.flatMap((item) => yamlLines(item).map((line, index) => `${index === 0 ? '- ' : '  '}${line}`));
  }
  if (typeof value !== 'object' || value === null)
    return [typeof value === 'string' && PLAIN.test(value) ? value : JSON.stringify(value)];
  return Object.entries(value).flatMap(([key, inner]) =>
    typeof inner === 'object' && inner !== null
      ? [`${key}:`, ...yamlLines(inner).map((line) => `  ${line}`)]
      : [`${key}: ${yamlLines(inner)[0]}`],
  );
}
