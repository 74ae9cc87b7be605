import { CertificateHolder, OriginationSettings, tlsBlock } from './_origination';
import type { SidecarWaySettings } from './_sidecar-way';
import { originationPort, portPolicy, routeOptions, speaksHttp2 } from './_traffic';
import { DestinationRuleSpec, ServiceEntrySpec, VirtualServiceSpec } from '../../imports/networking.istio.io';
import { EgressProtocol } from '../values/egress-port';
import { addressInstead, keyOf } from '../values/names';

/** What the objects of one host have in common. */
export interface CertificateShape {
  readonly namespace: string;
  readonly host: string;
  /** A private name under which the host's real addresses are known. */
  readonly outsideName: string;
  readonly key: string;
  readonly settings: SidecarWaySettings;
  readonly originations: OriginationSettings[];
}

/*
 * One host straight from the sidecars, where some of them show a client certificate.
 *
 * Istio takes a Secret at a sidecar only from a rule with a workloadSelector, and such a rule does nothing for any other
 * pod. With the usual shape, in which the host's own entry leads port 80 to the TLS port, a pod that the selector misses
 * would send clear text as soon as the route is missing. So here the host's own entry has no endpoints, as in the callers' half
 * of a gateway way, and the real addresses are known under a private name that only the route leads to: plain HTTP to
 * a subset that nothing but the selective rule defines. Measured, each object taken away in turn: a pod with the certificate is
 * served by mutual TLS or refused, every other pod is refused (503); nothing leaves in plaintext.
 */

/** The host as applications know it. There is no way to it but the route. */
export function hostEntry({ host, settings }: CertificateShape): ServiceEntrySpec {
  return {
    hosts: [host],
    exportTo: ['.'],
    location: 'MESH_EXTERNAL' as any,
    resolution: 'STATIC' as any,
    addresses: settings.addresses,
    ports: settings.ports.map(({ number, name, protocol }) => ({ number, name, protocol })),
  };
}

/** The host's real addresses, under the private name. A TCP port of it must not take what applications dial, so it gets an address that nobody dials. */
export function outsideEntry({ host, outsideName, key, settings, originations }: CertificateShape): ServiceEntrySpec {
  const tcp = settings.ports.some(({ protocol }) => protocol === EgressProtocol.TCP);
  const ports = settings.ports.filter(port => !port.http).map(({ number, name, protocol }) => ({ number, name, protocol }));
  for (const number of originations.map(origination => originationPort(origination, settings.ports))) {
    if (!ports.some(port => port.number === number)) ports.push({ number, name: `tls-${number}`, protocol: EgressProtocol.TLS });
  }
  return {
    hosts: [outsideName],
    exportTo: ['.'],
    location: 'MESH_EXTERNAL' as any,
    resolution: settings.resolution as any,
    addresses: tcp ? [addressInstead(keyOf('outside', key))] : undefined,
    endpoints: (settings.endpoints ?? [host]).map(address => ({ address })),
    ports: ports.sort((a, b) => a.number - b.number),
  };
}

export function hostRoute(shape: CertificateShape): VirtualServiceSpec {
  const { host, outsideName, settings, originations } = shape;
  const to = (number: number, subset?: string) => [{ destination: { host: outsideName, subset, port: { number } } }];
  const plain = settings.policy && PLAIN;
  const number = originationPort(originations[0], settings.ports);
  return {
    hosts: [host],
    exportTo: ['.'],
    gateways: ['mesh'],
    http: settings.ports.filter(port => port.http)
      .map(port => ({ match: [{ port: port.number }], ...routeOptions(settings), route: to(number, subsetName(speaksHttp2(port))) })),
    tls: some(settings.ports.filter(({ protocol }) => protocol === EgressProtocol.TLS)
      .map(port => ({ match: [{ port: port.number, sniHosts: [host] }], route: to(port.number, plain) }))),
    tcp: some(settings.ports.filter(({ protocol }) => protocol === EgressProtocol.TCP)
      .map(port => ({ match: [{ port: port.number }], route: to(port.number, plain) }))),
  };
}

/** The rule for pods that hold no certificate: the traffic policy, and no subset that originates. */
export function plainRule({ outsideName, settings }: CertificateShape): DestinationRuleSpec {
  return { host: outsideName, exportTo: ['.'], subsets: [{ name: PLAIN, trafficPolicy: settings.policy }] };
}

/** The rule for the pods of one caller: instead of the other, never merged with it. */
export function holderRule(shape: CertificateShape, origination: OriginationSettings, holder: CertificateHolder): DestinationRuleSpec {
  const { namespace, outsideName, settings } = shape;
  const number = originationPort(origination, settings.ports);
  const tls = tlsBlock(origination, namespace);
  const subsets: any[] = [...new Set(settings.ports.filter(port => port.http).map(speaksHttp2))]
    .map(http2 => ({ name: subsetName(http2), trafficPolicy: { portLevelSettings: [portPolicy(number, settings.policy, tls, http2)] } }));
  if (settings.policy) subsets.push({ name: PLAIN, trafficPolicy: settings.policy });
  return { host: outsideName, exportTo: ['.'], workloadSelector: { matchLabels: holder.podLabels }, subsets };
}

const PLAIN = 'plain';

function subsetName(http2: boolean): string {
  return http2 ? 'tls-http2' : 'tls';
}

function some<T>(list: T[]): T[] | undefined {
  return list.length > 0 ? list : undefined;
}
