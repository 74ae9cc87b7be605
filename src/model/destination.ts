import { FieldRef } from './answer';
import { fieldRef } from './field-ref';
import { Scope } from './scope';
import { VirtualService } from './virtual-service';
import { fullHost } from '../manifests/hosts';

/** A cluster by name: what a route leads to, whether it exists or not. */
export interface Destination {
  readonly host: string;
  readonly port: number;
  readonly subset?: string;
  readonly weight: number;
  readonly decidedBy: readonly FieldRef[];
}

/** Where a tls or tcp route leads. */
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

/** The cluster that a destination names; without a port, a service's only port, else the one that was called. */
export function destinationOf(
  scope: Scope,
  object: VirtualService['object'],
  field: string,
  destination: any,
  weight: number,
  listenPort: number,
  lookUp = (host: string) => scope.services.get(host),
): Destination {
  const host = fullHost(destination.host ?? '', object.namespace);
  const service = lookUp(host);
  const port = destination.port?.number ?? (service?.ports.length === 1 ? service.ports[0].number : listenPort);
  return { host, port, subset: destination.subset || undefined, weight, decidedBy: [fieldRef(object, field)] };
}
