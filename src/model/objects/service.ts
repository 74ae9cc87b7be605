import { addressOf, ServiceAddress } from './addresses';
import { isAlias } from './aliases';
import { EXPORT_TO } from '../../istio/annotations';
import { protocolOfServicePort, upper } from '../../istio/protocols';
import { serviceHost } from '../../istio/service-names';
import { allocatesAddresses } from '../../manifests/entries';
import { compare, Indexed, IstioObject } from '../../manifests/indexed';
import { ServiceSpec } from '../../manifests/specs';
import { Exported } from '../../manifests/visibility';

export type Resolution = 'NONE' | 'STATIC' | 'DNS' | 'DNS_ROUND_ROBIN' | 'DYNAMIC_DNS';

export interface ServicePort {
  readonly name: string;
  readonly number: number;
  /** In upper case; empty where the proxy detects the protocol from the first bytes. */
  readonly protocol: string;
  /** The port that it maps to, if not the same number. */
  readonly targetPort?: number | string;
}

/** An entry of Istio's registry: one host and address of a ServiceEntry, or a Kubernetes Service. */
export type Service =
  KubernetesService | (ServiceFacts & { readonly kubernetes: false; readonly object: IstioObject<'ServiceEntry'> });

export type KubernetesService = ServiceFacts & { readonly kubernetes: true; readonly object: Indexed<ServiceSpec> };

interface ServiceFacts {
  readonly host: string;
  readonly namespace: string;
  readonly ports: readonly ServicePort[];
  readonly resolution: Resolution;
  readonly address: ServiceAddress;
  /** Every address of the ServiceEntry or Service. */
  readonly addresses: readonly ServiceAddress[];
  /** Whether a sidecar with DNS capture allocates an address for the name. */
  readonly canHaveAddress: boolean;
  readonly exportTo: readonly string[];
  /** As written: `*` and none mean the same, and `.` and the name, but entries that differ in it are not merged. */
  readonly writtenExportTo: readonly string[];
  readonly subjectAltNames: readonly string[];
  /** Full names of Services that stand for the host. */
  readonly aliases?: readonly string[];
  /** The host for which it is only another name (type ExternalName): routes can name it, and it has nothing else. */
  readonly aliasFor?: string;
  readonly created: string;
}

const NONE: readonly string[] = [];

/** The services that a ServiceEntry declares: one per host and address. */
export function servicesOfEntry(entry: IstioObject<'ServiceEntry'>, exportTo: readonly string[]): Service[] {
  const { spec } = entry;
  const addresses = (spec.addresses ?? []).map(addressOf);
  const ports: ServicePort[] = (spec.ports ?? []).map((port) => ({
    name: port.name ?? '',
    number: port.number!,
    protocol: upper(port.protocol),
    targetPort: port.targetPort || undefined,
  }));
  const resolution: Resolution = spec.resolution ?? 'NONE';
  const canHaveAddress = addresses.length === 0 && allocatesAddresses(entry);
  const shared = {
    namespace: entry.namespace,
    kubernetes: false as const,
    object: entry,
    ports,
    resolution,
    addresses,
    exportTo,
    writtenExportTo: spec.exportTo ?? NONE,
    subjectAltNames: spec.subjectAltNames ?? NONE,
    created: createdAt(entry),
  };
  const services: Service[] = [];
  for (const host of spec.hosts ?? []) {
    const allocates = canHaveAddress && (!host.startsWith('*') || resolution === 'DYNAMIC_DNS');
    for (const address of addresses.length === 0 ? [addressOf(undefined)] : addresses)
      services.push({ host, address, canHaveAddress: allocates, ...shared });
  }
  return services;
}

/** The service of a Kubernetes Service. Its cluster IP is unknown where the manifest does not write it. */
export function serviceOfKubernetes(
  service: Indexed<ServiceSpec>,
  defaultExportTo: readonly string[],
  clusterDomain: string,
): Service {
  const { spec, namespace, name } = service;
  const annotation: string | undefined = service.manifest.metadata.annotations?.[EXPORT_TO];
  const aliasFor = isAlias(service) ? String(spec.externalName) : undefined;
  const address: ServiceAddress =
    spec.clusterIP === 'None' || aliasFor !== undefined
      ? addressOf(undefined)
      : { kind: 'service', namespace, name, ip: spec.clusterIP || undefined };
  return {
    host: serviceHost(name, namespace, clusterDomain),
    namespace,
    kubernetes: true,
    object: service,
    ports: (spec.ports ?? []).map((port): ServicePort => ({
      name: port.name ?? '',
      number: port.port,
      protocol: protocolOfServicePort(port),
      targetPort: port.targetPort,
    })),
    resolution: spec.clusterIP === 'None' ? 'NONE' : 'STATIC',
    address,
    addresses: [address],
    canHaveAddress: false,
    writtenExportTo: NONE,
    exportTo: annotation
      ? annotation.split(',').map((item) => (item.trim() === '.' ? namespace : item.trim()))
      : defaultExportTo.map((item) => (item === '.' ? namespace : item)),
    subjectAltNames: NONE,
    ...(aliasFor !== undefined && { aliasFor }),
    created: createdAt(service),
  };
}

/** The namespaces that an object is exported to: names, `*` for all, `~` for none. */
export function exportedTo(
  { namespace, spec: { exportTo } }: Indexed<Exported>,
  byDefault: readonly string[],
): readonly string[] {
  return (exportTo?.length ? exportTo : byDefault).map((item) => (item === '.' ? namespace : item));
}

/** Oldest first; of equal age, by name, as Istio sorts them. */
export function byAge<Spec>(objects: readonly Indexed<Spec>[]): Indexed<Spec>[] {
  return objects
    .map((object) => ({ object, created: createdAt(object) }))
    .sort(
      (a, b) =>
        compare(a.created, b.created) ||
        compare(a.object.name, b.object.name) ||
        compare(a.object.namespace, b.object.namespace),
    )
    .map(({ object }) => object);
}

/** The date of what an installation brings, which is there before everything else. */
export const INSTALLED = '0000-01-01T00:00:00.000Z';

/** After that, and before every date. */
const UNDATED = '0001';

/** The age by which Istio sorts. Objects without a timestamp are equally old, and names decide. */
function createdAt(object: Indexed): string {
  const stamp = object.manifest.metadata.creationTimestamp;
  return stamp ? new Date(stamp).toISOString() : UNDATED;
}
