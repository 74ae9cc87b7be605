import { HeaderChanges, Target, weighted } from './route';
import { FieldRef } from '../answer/answer';
import { Service } from '../objects/service';

/** The cluster that a route names, whether it exists or not. */
export interface Destination {
  readonly host: string;
  readonly port: number;
  readonly subset?: string;
  readonly weight: number;
  readonly decidedBy: readonly FieldRef[];
  /** Where the subset is written. */
  readonly subsetWhere?: FieldRef;
  readonly headers?: HeaderChanges;
}

/**
 * The clusters that the targets of a rule name. Without a port, a target means the only port of its service, else the
 * listener's.
 */
export function destinationsFor(
  targets: readonly Target[],
  listenPort: number,
  lookUp: (host: string) => Service | undefined,
): Destination[] {
  return weighted(targets).map(({ host, port, subset, weight, where, subsetWhere, headers }) => {
    const ports = port === undefined ? lookUp(host)?.ports : undefined;
    return {
      host,
      port: port ?? (ports?.length === 1 ? ports[0].number : listenPort),
      subset,
      weight,
      decidedBy: [where],
      subsetWhere,
      headers,
    };
  });
}
