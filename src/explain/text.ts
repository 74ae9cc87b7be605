import { Bystander } from './bystanders';
import { Change } from './changes';
import { headline } from './headline';
import { wrap } from '../cli/wrap';
import { Via } from '../access/access-table';
import { lastOf } from '../manifests/field-path';
import { Answer, FieldRef, HopName, Step } from '../model';
import { Finding } from '../rules';

/** What an explanation shows besides the answer. */
export interface Extras {
  /** The egress path that the request had to take and does not. */
  readonly notVia?: Via;
  /** What is probably misspelt in the question. */
  readonly doubts?: readonly string[];
  readonly change?: Change | undefined;
  /** Whether changes were tried, and none helps. */
  readonly isWithoutChange?: boolean;
  /** What to change in the program of this library's constructs. */
  readonly hints?: readonly string[];
  readonly bystanders?: readonly Bystander[];
  readonly findings?: readonly Finding[];
  readonly notes?: readonly string[];
}

const OUTAGE =
  'This looks like an outage but is a refusal: the TLS handshake of the hop completes before the server ' +
  "checks the caller's identity, and the gateway logs nothing.";

/** Said where changes were tried. */
export const NO_CHANGE = 'Neither one change nor two together were found that would make it succeed.';

/** An explanation as text, in lines of at most a width. */
export function asText(
  answer: Answer,
  { notVia, doubts = [], change, isWithoutChange, hints = [], bystanders = [], findings = [], notes = [] }: Extras = {},
  width = Infinity,
): string {
  const { outcome, causes, alternatives, remarks, condition, assumptions } = answer;
  const others = alternatives.map(
    ({ weight, because, answer: other }) =>
      `${weight === undefined ? '' : `${weight} %: `}${because}: ${headline(other)}`,
  );
  const remarked = remarks.map(
    ({ message, decidedBy }) => `${message}${decidedBy.length > 0 ? ` (${decidedBy.map(short).join(', ')})` : ''}`,
  );
  const idle = bystanders.map(({ object, origin, reason }) => `${object}: ${reason}   [${origin}]`);
  const found = findings.map(({ code, message, cure }) => `${code}: ${message} ${cure}`);
  const blocks = [
    notVia === undefined ? headline(answer) : `not via ${notVia}: ${headline(answer)}`,
    steps(answer.steps, width),
    block('Decided by', outcome === 'answered' ? [] : causes.map(located)),
    looksLikeOutage(answer) ? OUTAGE : '',
    block('Perhaps misspelt', doubts),
    block(
      'Smallest change, verified by the model',
      change ? [change.text, ...change.also, `then: ${change.then}`] : [],
    ),
    isWithoutChange ? NO_CHANGE : '',
    block('In the program, as its objects tell; not tried by the model', hints),
    block('Some of the time', others),
    block('On the egress path', remarked),
    block('Names the host, but has no effect on this request', idle),
    block('Findings on these objects', found),
    block('To settle the condition', condition ? [condition.say] : []),
    block('Assumed', assumptions),
    block('Input', notes),
  ];
  return `${wrap(blocks.filter(Boolean).join('\n\n'), width)}\n`;
}

/** `VirtualService payments/x http[0]` */
function short({ kind, namespace, name, field }: FieldRef): string {
  return (
    `${kind} ` +
    `${namespace ? `${namespace}/` : ''}${name}${field === undefined ? '' : ` ${field.replace(/^spec\./, '')}`}`
  );
}

function located(ref: FieldRef): string {
  return `${short(ref)}${ref.origin ? `   [${ref.origin}]` : ''}`;
}

function looksLikeOutage({ outcome, by, causes }: Answer): boolean {
  return (
    outcome === 'refused' &&
    by === 'gateway' &&
    causes.some(({ kind, field }) => kind === 'Gateway' && lastOf(field) === 'subjectAltNames')
  );
}

/** The columns before the text of a step: the hop and its number. */
const BEFORE_STEP = 18;

/** Each step, and below it the fields that decided it. */
function steps(all: readonly Step[], width: number): string {
  let last: HopName | undefined;
  let number = 0;
  return all
    .flatMap(({ hop, text, decidedBy }) => {
      if (hop !== last) number++;
      const title = hop === last ? '' : `${number} ${hop}`;
      last = hop;
      const lines = [text, ...decidedBy.map((ref) => `    ${short(ref)}`)].flatMap((line) =>
        wrap(line, width - BEFORE_STEP).split('\n'),
      );
      return lines.map((line, index) => `  ${(index === 0 ? title : '').padEnd(BEFORE_STEP - 2)}${line}`.trimEnd());
    })
    .join('\n');
}

/** Lines below a title; nothing without lines. */
function block(title: string, lines: readonly string[]): string {
  if (lines.length === 0) return '';
  return [`${title}:`, ...lines.map((line) => `  ${line.replace(/\n/g, '\n  ')}`)].join('\n');
}
