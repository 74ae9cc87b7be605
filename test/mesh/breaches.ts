import { Sight } from './support';
import { AccessRow } from '../../src/access/access-table';

/**
 * What a request did that it must never do, whichever object is missing or added. It may do what its row says, or be
 * refused. It must not be answered by another egress path. Where it is refused, nothing of it may have left, except a
 * connection or a TLS handshake from the workload that makes them on the row's own egress path.
 */
export function breaches(row: AccessRow, { evidence, judgement }: Sight): string[] {
  if (judgement.passed) return [];
  const { seen } = judgement;
  if (seen.outcome === 'answered')
    return row.expect.outcome === 'refused' ? [`answered, via ${seen.via}`] : judgement.differences;
  const may =
    row.expect.via === 'gateway'
      ? evidence.gateways.map(({ address }) => address)
      : row.expect.via === undefined
        ? []
        : [evidence.caller.address];
  return evidence.external
    .filter(({ event, from }) => !(['connect', 'hello', 'tls-error'].includes(event) && may.includes(from)))
    .map(({ event, from, server }) => `${event} at ${server} from ${from}`);
}
