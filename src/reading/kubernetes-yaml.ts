import { CollectionTag, DocumentOptions, ParseOptions, ScalarTag, SchemaOptions, Tags } from 'yaml';

/** Those of YAML 1.1 that kubectl and istiod read as text, and those of numbers, which they read in a way of their own. */
const OTHERWISE = /:(timestamp|binary|int|float)$/;

/**
 * YAML as kubectl, Helm and istiod read it: in version 1.1, in which `yes` is true, `0443` is octal, and `<<` merges
 * mappings.
 */
export const KUBERNETES_YAML: ParseOptions & DocumentOptions & SchemaOptions = {
  version: '1.1',
  logLevel: 'error',
  customTags: (tags: Tags) => [
    ...tags.filter((tag) => typeof tag === 'string' || !isReadOtherwise(tag)),
    ...['int', 'float'].map(number),
  ],
};

function isReadOtherwise({ tag }: CollectionTag | ScalarTag): boolean {
  return OTHERWISE.test(tag);
}

function number(type: string): ScalarTag {
  return { tag: `tag:yaml.org,2002:${type}`, default: true, test: /^[-+.\d]/, resolve: numberOrText };
}

const INFINITE = /^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$/;
const PREFIXED = /^([-+]?)(0x[\da-f]+|0b[01]+|0o?[0-7]+)$/i;
const DECIMAL = /^[-+]?(\.\d+|\d+(\.\d*)?)(e[-+]?\d+)?$/i;

/** What starts like a number need not be one: `.` and `1:30` are text. `go-yaml` decides it in `resolve.go`. */
function numberOrText(text: string, onError: (message: string) => void): number | string {
  if (INFINITE.test(text)) onError(`${text} cannot be written in JSON`);
  const plain = text.startsWith('.') ? text : text.replaceAll('_', '');
  const [, sign, prefixed] = PREFIXED.exec(plain) ?? [];
  const whole = prefixed === undefined ? undefined : BigInt(prefixed.replace(/^0(?=\d)/, '0o'));
  if (whole !== undefined && isOf64Bits(whole, sign)) return Number(sign === '-' ? -whole : whole);
  const decimal = DECIMAL.test(plain) ? Number(plain) : NaN;
  return Number.isFinite(decimal) ? decimal : text;
}

/** Whether it fits into 64 bits, of which the sign takes one. */
function isOf64Bits(whole: bigint, sign: string): boolean {
  return sign === '' ? BigInt.asUintN(64, whole) === whole : whole < 2n ** 63n + (sign === '-' ? 1n : 0n);
}
