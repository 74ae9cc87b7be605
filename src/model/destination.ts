import { FieldRef } from './answer';
import { fieldRef } from './field-ref';
import { Scope } from './scope';
import { VirtualService } from './virtual-service';
import { fullHost } from '../istio/hosts';

/** The cluster that a route names, whether it exists or not. */
export interface Destination {
  readonly host: string;
  readonly port: number;
  readonly subset?: string;
  readonly weight: number;
  readonly decidedBy: readonly FieldRef[];
}

/** The destinations of a tls or tcp route. */
export function layer4Destinations(
  scope: Scope,
  object: VirtualService['object'],
  field: string,
  routes: any[],
  listenPort: number,
): Destination[] {
  const weighted = routes.length > 1;
  return routes.flatMap((route, index) => {
    if (weighted && !route.weight) return [];
    return [
      destinationOf(
        scope,
        object,
        `${field}.route[${index}].destination`,
        route.destination,
        weighted ? route.weight : 100,
        listenPort,
      ),
    ];
  });
}

/** The cluster that a destination names. Without a port it means the only port of the service, else the listener's. */
export function destinationOf(
  scope: Scope,
  object: VirtualService['object'],
  field: string,
  destination: any,
  weight: number,
  listenPort: number,
  lookUp = (host: string) => scope.services.get(host),
): Destination {
  const host = fullHost(destination.host ?? '', object);
  const service = lookUp(host);
  const port = destination.port?.number ?? (service?.ports.length === 1 ? service.ports[0].number : listenPort);
  return { host, port, subset: destination.subset || undefined, weight, decidedBy: [fieldRef(object, field)] };
}
