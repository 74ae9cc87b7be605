import { Address, holds, textOf } from '../objects/addresses';
import { FieldRef } from '../answer/answer';
import { fieldRef, meshFieldRef } from '../answer/field-ref';
import { Registry } from '../registry/registry';
import { Scope } from '../registry/scope';
import { Service, ServicePort } from '../objects/service';
import { covers } from '../../istio/hosts';
import { FieldPath } from '../../manifests/field-path';
import { isHttp, isOpaque, isTls } from '../../istio/protocols';

/** Traffic that nothing in the sidecar's configuration matched, as the sidecar saw it. */
export interface UnmatchedTraffic {
  readonly kind: 'http' | 'tls' | 'bytes';
  /** The host that it was meant for, where it names one. */
  readonly name?: string;
  readonly address: Address;
  readonly port: number;
}

/** A ServiceEntry for the host that nevertheless did not match the traffic. */
export interface NearMiss {
  readonly because: string;
  readonly cause: FieldRef;
}

/** Whether traffic of a kind is what a protocol stands for; of an empty protocol the proxy finds out by itself. */
const FITS: Record<UnmatchedTraffic['kind'], (protocol: string) => boolean> = {
  http: isHttp,
  tls: (protocol) => isTls(protocol) || protocol === 'TCP',
  bytes: isOpaque,
};

/** Why the ServiceEntries of the host did not match; those that the proxy sees come first. */
export function nearMisses(registry: Registry, scope: Scope, unmatched: UnmatchedTraffic): NearMiss[] {
  const name = unmatched.name?.toLowerCase().replace(/\.$/, '');
  const about = registry.entriesAbout(name, (entry) => coversTraffic(entry, name, unmatched.address));
  const known = about.filter(({ host, object }) => scope.services.get(host)?.object === object);
  const missed =
    known.length > 0
      ? known.flatMap((service) => whyNotAtPort(service, unmatched))
      : about.flatMap((service) => whyUnseen(registry, scope, service));
  // An entry is a service for each of its addresses.
  return [...new Map(missed.map((miss) => [miss.because, miss])).values()];
}

function coversTraffic(service: Service, name: string | undefined, address: Address): boolean {
  return (
    (name !== undefined && covers(service.host.toLowerCase(), name)) ||
    service.addresses.some((own) =>
      own.kind === 'range' ? holds(own.range, address) === true : own.kind !== 'any' && textOf(own) === textOf(address),
    )
  );
}

function whyNotAtPort(service: Service, { kind, port }: UnmatchedTraffic): NearMiss[] {
  const own = service.ports.find(({ number }) => number === port);
  const { namespace, name } = service.object;
  const entry = `ServiceEntry ${namespace}/${name}`;
  if (!own)
    return [{ because: `${entry} does not declare port ${port}`, cause: fieldRef(service.object, 'spec.ports') }];
  if (own.protocol === '' || FITS[kind](own.protocol)) return [];
  const what = { http: 'plaintext HTTP', tls: 'TLS', bytes: 'neither HTTP nor TLS' }[kind];
  return [
    {
      because: `${entry} declares port ${port} as ${own.protocol}, but this is ${what}`,
      cause: fieldRef(service.object, `${fieldOf(service, own)}.protocol`),
    },
  ];
}

function fieldOf(service: Service, port: ServicePort): FieldPath {
  return `spec.ports[${service.ports.indexOf(port)}]`;
}

function whyNotExported(registry: Registry, { proxy }: Scope, service: Service, entry: string): NearMiss {
  const said = service.writtenExportTo.map((to) => (to === '.' ? service.namespace : to));
  const isSaid = said.length === 0 || said.includes('*') || said.includes(proxy.namespace);
  if (isSaid && registry.world.mesh?.serviceEntryVisibility?.applyToSidecars)
    return {
      because: `the mesh does not let namespace ${proxy.namespace} see ${entry}`,
      cause: meshFieldRef('serviceEntryVisibility'),
    };
  return {
    because: `${entry} is not exported to namespace ${proxy.namespace}`,
    cause: fieldRef(service.object, 'spec.exportTo'),
  };
}

function whyUnseen(registry: Registry, scope: Scope, service: Service): NearMiss[] {
  const entry = `ServiceEntry ${service.object.namespace}/${service.object.name}`;
  const isExported = service.exportTo.includes('*') || service.exportTo.includes(scope.proxy.namespace);
  if (!isExported) return [whyNotExported(registry, scope, service, entry)];
  const visible = scope.services.get(service.host);
  if (visible) {
    return [
      {
        because:
          `${entry} is hidden by ${visible.kubernetes ? 'Service' : 'ServiceEntry'} ` +
          `${visible.object.namespace}/${visible.object.name}`,
        cause: fieldRef(visible.object, 'spec.hosts'),
      },
    ];
  }
  if (!scope.sidecar) return [];
  return [
    {
      because: `Sidecar ${scope.sidecar.namespace}/${scope.sidecar.name} does not import ${entry}`,
      cause: fieldRef(scope.sidecar, 'spec.egress'),
    },
  ];
}
