import { Sight } from './support';
import { AccessRow } from '../../src/access/access-table';

/**
 * What a request did that it must not do, whatever is missing or in its way. It may do what its row says; it may be
 * refused. It may not be answered in another way, and where it is refused nothing of it may have left, but for a
 * connection or a TLS handshake from where the row's own way would have made them.
 */
export function breaches(row: AccessRow, { evidence, judgement }: Sight): string[] {
  if (judgement.passed) return [];
  const { seen } = judgement;
  if (seen.outcome === 'answered')
    return row.expect.outcome === 'refused' ? [`answered, way ${seen.via}`] : judgement.differences;
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
