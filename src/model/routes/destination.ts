import { HeaderChanges, HttpRoute, Target, weighted } from './route';
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
  readonly responses?: HttpRoute['responses'];
  /** Whether no route leads there: a listener forwards to its own service. */
  readonly isOwn?: true;
}

/**
 * The clusters that the targets of a rule name. Without a port, a target means the only port of its service, else the
 * listener's. A Service that is another name for a host stands for that host, but not for a further name.
 */
export function destinationsFor(
  targets: readonly Target[],
  listenPort: number,
  lookUp: (host: string) => Service | undefined,
): Destination[] {
  return weighted(targets).map(({ host, port, subset, weight, where, subsetWhere, headers, responses }) => {
    const { ports, aliasFor = host } = lookUp(host) ?? {};
    return {
      host: aliasFor,
      port: port ?? (ports?.length === 1 ? ports[0].number : listenPort),
      subset,
      weight,
      decidedBy: [where],
      subsetWhere,
      headers,
      responses,
    };
  });
}
