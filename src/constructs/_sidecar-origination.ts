import { CertificateOwner, OriginationSettings, tlsBlock } from './_origination';
import type { SidecarEgressPathSettings } from './_sidecar-egress-path';
import { originationPort, portPolicy, routeOptions, speaksHttp2 } from './_traffic';
import { DestinationRuleSpec, ServiceEntrySpec, VirtualServiceSpec } from '../../imports/networking.istio.io';
import { EgressProtocol } from '../values/egress-port';
import { addressInstead, keyOf } from '../values/names';

/** What the objects of one host have in common. */
export interface OriginationShape {
  readonly namespace: string;
  readonly host: string;
  /** A private name under which the host's real addresses are known. */
  readonly privateName: string;
  readonly key: string;
  readonly settings: SidecarEgressPathSettings;
  readonly originations: OriginationSettings[];
}

/*
 * One host straight from the sidecars, whose plain HTTP leaves as TLS.
 *
 * The host's own entry has no endpoints, as in the callers' half of a gateway way; the real addresses are known under a
 * private name that only the route leads to: plain HTTP to a subset that nothing but our rule defines, the
 * application's own TLS to the TLS port. So no object that anybody else wrote for the host is ever mixed with ours, and
 * whatever is missing, or overruled by somebody's older route, leads to nothing (measured, each object taken away in
 * turn).
 *
 * Istio's task page has port 80 of the host's own entry lead to the TLS port instead. That sends clear text to port 443
 * as soon as the rule is missing; and it cannot be rolled out onto a host that is in use without an outage: the rule
 * takes hold of the entry that was there before, and TLS goes to port 80 until the new one comes.
 *
 * Where some workloads show a client certificate, each has a rule with a workloadSelector (Istio takes a Secret at a
 * sidecar from no other), and only those rules define the subset: every other pod is refused (503).
 */

/** The host as applications know it. There is no way to it but the route. */
export function hostEntry({ host, settings }: OriginationShape): ServiceEntrySpec {
  return {
    hosts: [host],
    exportTo: ['.'],
    location: 'MESH_EXTERNAL' as any,
    resolution: 'STATIC' as any,
    addresses: settings.addresses,
    ports: settings.ports.map(({ number, name, protocol }) => ({ number, name, protocol })),
  };
}

/**
 * The host's real addresses, under the private name. A TCP port of it must not take what applications dial, so it gets
 * an address that nobody dials.
 */
export function externalEntry({ host, privateName, key, settings, originations }: OriginationShape): ServiceEntrySpec {
  const tcp = settings.ports.some(({ protocol }) => protocol === EgressProtocol.TCP);
  const ports = settings.ports
    .filter((port) => !port.http)
    .map(({ number, name, protocol }) => ({ number, name, protocol }));
  for (const number of originations.map((origination) => originationPort(origination, settings.ports))) {
    if (!ports.some((port) => port.number === number))
      ports.push({ number, name: `tls-${number}`, protocol: EgressProtocol.TLS });
  }
  return {
    hosts: [privateName],
    exportTo: ['.'],
    location: 'MESH_EXTERNAL' as any,
    resolution: settings.resolution as any,
    addresses: tcp ? [addressInstead(keyOf('outside', key))] : undefined,
    endpoints: (settings.endpoints ?? [host]).map((address) => ({ address })),
    ports: ports.sort((a, b) => a.number - b.number),
  };
}

export function hostRoute(shape: OriginationShape): VirtualServiceSpec {
  const { host, privateName, settings, originations } = shape;
  const to = (number: number, subset?: string) => [{ destination: { host: privateName, subset, port: { number } } }];
  const plain = settings.policy && PLAIN;
  const number = originationPort(originations[0], settings.ports);
  return {
    hosts: [host],
    exportTo: ['.'],
    gateways: ['mesh'],
    http: settings.ports
      .filter((port) => port.http)
      .map((port) => ({
        match: [{ port: port.number }],
        ...routeOptions(settings),
        route: to(number, subsetName(speaksHttp2(port))),
      })),
    tls: some(
      settings.ports
        .filter(({ protocol }) => protocol === EgressProtocol.TLS)
        .map((port) => ({ match: [{ port: port.number, sniHosts: [host] }], route: to(port.number, plain) })),
    ),
    tcp: some(
      settings.ports
        .filter(({ protocol }) => protocol === EgressProtocol.TCP)
        .map((port) => ({ match: [{ port: port.number }], route: to(port.number, plain) })),
    ),
  };
}

/** The rule for pods that hold no certificate: where one is demanded it has no subset that originates. */
export function generalRule(shape: OriginationShape): DestinationRuleSpec {
  return {
    host: shape.privateName,
    exportTo: ['.'],
    subsets: subsets(
      shape,
      shape.originations.find(({ certificateOwners }) => !certificateOwners),
    ),
  };
}

/** The rule for the pods of one caller: instead of the other, never merged with it. */
export function certificateOwnerRule(
  shape: OriginationShape,
  origination: OriginationSettings,
  certificateOwner: CertificateOwner,
): DestinationRuleSpec {
  return {
    host: shape.privateName,
    exportTo: ['.'],
    workloadSelector: { matchLabels: certificateOwner.podLabels },
    subsets: subsets(shape, origination),
  };
}

function subsets(
  { namespace, settings: { ports, policy } }: OriginationShape,
  origination: OriginationSettings | undefined,
): any[] {
  const made: any[] = [];
  if (origination) {
    const number = originationPort(origination, ports);
    const tls = tlsBlock(origination, namespace);
    for (const http2 of [...new Set(ports.filter((port) => port.http).map(speaksHttp2))]) {
      made.push({
        name: subsetName(http2),
        trafficPolicy: { portLevelSettings: [portPolicy(number, policy, tls, http2)] },
      });
    }
  }
  if (policy && ports.some((port) => !port.http)) made.push({ name: PLAIN, trafficPolicy: policy });
  return made;
}

const PLAIN = 'plain';

function subsetName(http2: boolean): string {
  return http2 ? 'tls-http2' : 'tls';
}

function some<T>(list: T[]): T[] | undefined {
  return list.length > 0 ? list : undefined;
}
