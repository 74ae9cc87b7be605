import { Bystander } from './bystanders';
import { Change } from './changes';
import { Via } from '../access/access-table';
import { Answer, FieldRef, HopName, Step } from '../model';
import { Finding } from '../rules';

/** What an explanation shows beside the answer. */
export interface Extras {
  /** The way that was wanted and is not taken. */
  readonly missed?: Via;
  readonly change?: Change;
  readonly bystanders?: readonly Bystander[];
  readonly findings?: readonly Finding[];
  readonly notes?: readonly string[];
}

/** How answers sound in one line. */
export function headline(answer: Answer): string {
  switch (answer.outcome) {
    case 'answered':
      return [...(answer.redirects ?? []).map((status) => `${status}, then `), answer.reason].join('');
    case 'undetermined':
      return `undetermined: ${answer.reason}`;
    default:
      return (
        `refused${answer.by ? ` by the ${answer.by === 'host' ? 'external host' : answer.by}` : ''}: ` +
        `${seen(answer)}, because ${answer.reason}`
      );
  }
}

/** What the caller sees of a refusal. */
export function seen({ symptom, redirects = [] }: Answer): string {
  const words: Record<string, string> = {
    'tls-closed': 'TLS closed (curl 35)',
    closed: 'connection closed (curl 52 or 56)',
    timeout: 'nothing until the time is up (curl 28)',
    'curl 60': 'certificate not accepted (curl 60)',
    'grpc-unavailable': 'gRPC status 14, unavailable',
  };
  return [...redirects, words[String(symptom)] ?? String(symptom ?? 'no answer')].join(', then ');
}

/** An explanation for people. */
export function asText(
  answer: Answer,
  { missed, change, bystanders = [], findings = [], notes = [] }: Extras = {},
): string {
  const blocks = [
    missed === undefined ? headline(answer) : `not the way that is wanted (${missed}): ${headline(answer)}`,
    ...(answer.steps.length > 0 ? [steps(answer.steps)] : []),
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
      'This looks like an outage and is a refusal: the handshake of the hop is done before the server looks at ' +
        "the name, and the gateway's log stays empty.",
    );
  }
  if (change) blocks.push(block('Smallest change, tried out', [change.text, `then: ${change.then}`]));
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
        'On the way',
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
        'Speaks of the host and has no part in this',
        bystanders.map(({ object, origin, reason }) => `${object}: ${reason}   [${origin}]`),
      ),
    );
  }
  if (findings.length > 0) {
    blocks.push(
      block(
        'Rules say about these objects',
        findings.map(({ code, message, cure }) => `${code}: ${message} ${cure}`),
      ),
    );
  }
  if (answer.assumptions.length > 0) blocks.push(block('Taken for granted', answer.assumptions));
  if (notes.length > 0) blocks.push(block('Read', notes));
  return `${blocks.join('\n\n')}\n`;
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
    causes.some(({ kind, field }) => kind === 'Gateway' && field?.endsWith('.subjectAltNames') === true)
  );
}

function steps(all: readonly Step[]): string {
  const lines: { hop: string; text: string; ref: string }[] = [];
  let last: HopName | undefined;
  let number = 0;
  for (const { hop, text, decidedBy } of all) {
    const isNew = hop !== last;
    if (isNew) number++;
    last = hop;
    lines.push({ hop: isNew ? `${number} ${hop}` : '', text, ref: decidedBy[0] ? short(decidedBy[0]) : '' });
    for (const ref of decidedBy.slice(1)) lines.push({ hop: '', text: '', ref: short(ref) });
  }
  const width = Math.min(72, Math.max(...lines.map(({ text }) => text.length)));
  return lines
    .map(({ hop, text, ref }) =>
      (
        `  ${hop.padEnd(15)} ` +
        `${ref === '' ? text : text.length > width ? `${text}\n${' '.repeat(18 + width)}   ${ref}` : `${text.padEnd(width)}   ${ref}`}`
      ).trimEnd(),
    )
    .join('\n');
}

function block(title: string, lines: readonly string[]): string {
  return [`${title}:`, ...lines.map((line) => `  ${line.replace(/\n/g, '\n  ')}`)].join('\n');
}
