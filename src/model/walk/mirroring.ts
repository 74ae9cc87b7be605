import { toCluster } from './connecting';
import { Leg } from './journey';
import { AtProxy, Copy } from './next';
import { destinationsFor } from '../routes/destination';
import { HttpRoute } from '../routes/route';

/** The copies of a request, which go out with the request itself. A copy knows no address that was dialled. */
export function copiesOf(leg: Leg, { address: _dialled, ...at }: AtProxy, { mirror, mirrors }: HttpRoute): Copy[] {
  if (!mirror) return [];
  leg.remark({
    code: 'mirrored',
    message: 'a copy of the request is mirrored to another destination',
    decidedBy: [mirror],
  });
  return mirrors
    .filter(({ weight }) => weight > 0)
    .map((target) => {
      const [destination] = destinationsFor([target], at.port, (host) => at.scope.services.get(host));
      return { share: target.weight, send: (copy) => toCluster(copy, at, destination, destination.decidedBy) };
    });
}
