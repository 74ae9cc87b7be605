import { FieldRef } from './answer';
import { fieldRef } from './field-ref';
import { isWithin } from './host-names';
import { Registry } from './registry';
import { Scope } from './scope';
import { Service, ServicePort } from './service';
import { contains } from '../manifests/ranges';

/** What nothing took, as the sidecar saw it. */
export interface UnmatchedRequest {
  readonly kind: 'http' | 'tls' | 'bytes';
  /** The name that it was meant for, where it tells one. */
  readonly name?: string;
  readonly address: string;
  readonly port: number;
}

/** An entry that speaks of the host and yet did not take the request. */
export interface NearMiss {
  readonly because: string;
  readonly ref: FieldRef;
}

const FITTING: Record<UnmatchedRequest['kind'], readonly string[]> = {
  http: ['HTTP', 'HTTP2', 'GRPC', 'GRPC-WEB', ''],
  tls: ['TLS', 'HTTPS', 'TCP', ''],
  bytes: ['TCP', 'MONGO', 'REDIS', 'MYSQL', ''],
};

/** Why the entries of the host did not take the request, the nearest first. */
export function nearMisses(registry: Registry, scope: Scope, unmatched: UnmatchedRequest): NearMiss[] {
  const about = registry.services.filter((service) => !service.kubernetes && appliesTo(service, unmatched));
  const known = about.filter(({ host, object }) => scope.services.get(host)?.object === object);
  if (known.length > 0) return known.flatMap((service) => atPort(service, unmatched));
  return about.flatMap((service) => unseen(scope, service));
}

function appliesTo(service: Service, { name, address }: UnmatchedRequest): boolean {
  return (
    (name !== undefined && isWithin(name.toLowerCase().replace(/\.$/, ''), service.host.toLowerCase())) ||
    service.addresses.some((own) => own === address || (own.includes('/') && contains(own, address)))
  );
}

function atPort(service: Service, { kind, port }: UnmatchedRequest): NearMiss[] {
  const own = service.ports.find(({ number }) => number === port);
  const { namespace, name } = service.object;
  const entry = `ServiceEntry ${namespace}/${name}`;
  if (!own) return [{ because: `${entry} has no port ${port}`, ref: fieldRef(service.object, 'spec.ports') }];
  if (FITTING[kind].includes(own.protocol)) return [];
  const what = { http: 'clear HTTP', tls: 'TLS', bytes: 'neither HTTP nor TLS' }[kind];
  return [
    {
      because: `${entry} declares port ${port} as ${own.protocol}, and this is ${what}`,
      ref: fieldRef(service.object, `${fieldOf(service, own)}.protocol`),
    },
  ];
}

function fieldOf(service: Service, port: ServicePort): string {
  return `spec.ports[${service.ports.indexOf(port)}]`;
}

function unseen(scope: Scope, service: Service): NearMiss[] {
  const entry = `ServiceEntry ${service.object.namespace}/${service.object.name}`;
  const isExported = service.exportTo.includes('*') || service.exportTo.includes(scope.proxy.namespace);
  if (!isExported)
    return [
      {
        because: `${entry} is not exported to ${scope.proxy.namespace}`,
        ref: fieldRef(service.object, 'spec.exportTo'),
      },
    ];
  const hiding = scope.services.get(service.host);
  if (hiding) {
    return [
      {
        because:
          `${entry} is hidden by ${hiding.kubernetes ? 'Service' : 'ServiceEntry'} ` +
          `${hiding.object.namespace}/${hiding.object.name}`,
        ref: fieldRef(hiding.object, 'spec.hosts'),
      },
    ];
  }
  if (!scope.sidecar) return [];
  return [
    {
      because: `Sidecar ${scope.sidecar.namespace}/${scope.sidecar.name} does not import ${entry}`,
      ref: fieldRef(scope.sidecar, 'spec.egress'),
    },
  ];
}
