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
  readonly change?: Change | undefined;
  readonly bystanders?: readonly Bystander[];
  readonly findings?: readonly Finding[];
  readonly notes?: readonly string[];
}

/** An explanation as text, in lines of at most a width. */
export function asText(
  answer: Answer,
  { notVia, change, bystanders = [], findings = [], notes = [] }: Extras = {},
  width = Infinity,
): string {
  const blocks = [
    notVia === undefined ? headline(answer) : `not via ${notVia}: ${headline(answer)}`,
    ...(answer.steps.length > 0 ? [steps(answer.steps, width)] : []),
  ];
  if (answer.outcome !== 'answered' && answer.causes.length > 0)
    blocks.push(
      block(
        'Decided by',
        answer.causes.map((cause) => located(cause)),
      ),
    );
  if (looksLikeOutage(answer)) {
    blocks.push(
      'This looks like an outage but is a refusal: the TLS handshake of the hop completes before the server ' +
        "checks the caller's identity, and the gateway logs nothing.",
    );
  }
  if (change)
    blocks.push(block('Smallest change, verified by the model', [change.text, ...change.also, `then: ${change.then}`]));
  if (answer.alternatives.length > 0) {
    blocks.push(
      block(
        'Some of the time',
        answer.alternatives.map(
          ({ weight, because, answer: other }) =>
            `${weight === undefined ? '' : `${weight} %: `}${because}: ${headline(other)}`,
        ),
      ),
    );
  }
  if (answer.remarks.length > 0) {
    blocks.push(
      block(
        'On the egress path',
        answer.remarks.map(
          ({ message, decidedBy }) =>
            `${message}${decidedBy.length > 0 ? ` (${decidedBy.map(short).join(', ')})` : ''}`,
        ),
      ),
    );
  }
  if (bystanders.length > 0) {
    blocks.push(
      block(
        'Names the host, but has no effect on this request',
        bystanders.map(({ object, origin, reason }) => `${object}: ${reason}   [${origin}]`),
      ),
    );
  }
  if (findings.length > 0) {
    blocks.push(
      block(
        'Findings on these objects',
        findings.map(({ code, message, cure }) => `${code}: ${message} ${cure}`),
      ),
    );
  }
  if (answer.condition) blocks.push(block('To make the condition plain', [answer.condition.say]));
  if (answer.assumptions.length > 0) blocks.push(block('Assumed', answer.assumptions));
  if (notes.length > 0) blocks.push(block('Input', notes));
  return `${wrap(blocks.join('\n\n'), width)}\n`;
}

/** `VirtualService payments/x http[0]` */
export function short({ kind, namespace, name, field }: FieldRef): string {
  return (
    `${kind} ` +
    `${namespace ? `${namespace}/` : ''}${name}${field === undefined ? '' : ` ${field.replace(/^spec\./, '')}`}`
  );
}

function located(ref: FieldRef): string {
  return `${short(ref)}${ref.origin && ref.origin !== '' ? `   [${ref.origin}]` : ''}`;
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

function block(title: string, lines: readonly string[]): string {
  return [`${title}:`, ...lines.map((line) => `  ${line.replace(/\n/g, '\n  ')}`)].join('\n');
}
