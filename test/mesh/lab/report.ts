import { AccessLine } from './access-log';
import { Evidence } from './evidence';
import { Judgement } from './judgement';
import { AccessRow } from '../../../src/access/access-table';

/** A row in one line. */
export function rowText(row: AccessRow): string {
  const extras = [
    row.method,
    row.speak,
    row.follow ? 'following redirects' : undefined,
    row.dial ? `dialling ${row.dial}` : undefined,
    row.headers
      ? Object.entries(row.headers)
          .map(([name, value]) => `${name}: ${value}`)
          .join(', ')
      : undefined,
    row.without ? `without ${[row.without].flat().join(', ')}` : undefined,
  ].filter((extra) => extra !== undefined);
  return `${row.from}  ${row.request}${extras.length > 0 ? `  (${extras.join('; ')})` : ''}`;
}

/** What happened, in a few words. */
export function seenText({ seen }: Judgement): string {
  const how = seen.outcome === 'answered' ? [seen.status ?? 'echo'] : [seen.symptom, seen.by ? `by ${seen.by}` : ''];
  return [
    seen.outcome,
    ...how,
    seen.via ? `via ${seen.via}` : '',
    seen.tlsOriginatedBy ? `TLS by ${seen.tlsOriginatedBy}` : '',
  ]
    .filter((part) => part !== '')
    .join(' ');
}

/** The lines of each hop. */
export function hops(evidence: Evidence): string[] {
  const { curl } = evidence;
  return [
    `application  curl ${curl.exitCode}, statuses [${curl.statuses.join(', ')}]${curl.error ? `, ${curl.error}` : ''}`,
    ...(evidence.sidecar.length === 0
      ? ['sidecar      nothing']
      : evidence.sidecar.map((line) => `sidecar      ${lineText(line)}`)),
    ...evidence.atGateway.map(({ gateway, line }) => `${gateway.padEnd(12)} ${lineText(line)}`),
    ...(evidence.external.length === 0
      ? ['external     nothing']
      : evidence.external.map(
          ({ event, headers, ...rest }) =>
            `external     ${event} ${JSON.stringify({ ...rest, ...(headers && { headers: Object.keys(headers) }) })}`,
        )),
  ];
}

function lineText(line: AccessLine): string {
  return Object.entries(line)
    .filter(([name]) => name !== 'lab')
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}
