import { Flow, isReadable } from './flow';
import { Ending, Leg } from './journey';
import { FieldRef } from '../answer/answer';
import { Undetermined } from '../answer/undetermined';
import { METRICS_PORT, OWN_PAGES } from '../../istio/ports';

/** A connection to a port at which the proxy or its agent listens, so that it leads no further. */
export function atOwnPort(
  leg: Leg,
  hop: 'sidecar' | 'gateway',
  { flow, port }: { readonly flow: Flow; readonly port: number },
  decidedBy: readonly FieldRef[],
): Ending {
  const pages = OWN_PAGES.get(port);
  const reason = `port ${port} is the ${hop}'s own`;
  const isAsked = pages !== undefined && isReadable(flow);
  leg.isRead ||= isAsked;
  const path = isAsked ? flow.http!.path.split('?')[0] : '';
  const isPage = isAsked && pages.includes(path);
  if (isAsked && port === METRICS_PORT && path.startsWith(pages[0]) && !(isPage && flow.http!.method === 'GET'))
    throw new Undetermined("the model does not know what Envoy's administration does with a request", decidedBy);
  const status = !isAsked ? 503 : isPage ? 200 : 404;
  leg.step(hop, 'ends', `${reason}: ${isAsked ? status : 'closed'}`, decidedBy);
  return leg.refuse(hop, status, reason, decidedBy);
}
