import { CertificateOwner, OriginationSettings, tlsBlock } from './_origination';
import type { SidecarEgressPathSettings } from './_sidecar-egress-path';
import { originatingSubset, originationPort, PLAIN_SUBSET, portPolicy, routeOptions, speaksHttp2 } from './_traffic';
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
 * The host's own entry has no endpoints, as on the caller side of a gateway path. The real addresses are under a
 * private name that only our route uses: plain HTTP goes to a subset that only our rule defines, the application's own
 * TLS goes to the TLS port. So our objects are never merged with another author's for the same host. If one of them is
 * missing, or an older route of another author takes precedence, requests fail (measured with each object removed in
 * turn).
 *
 * Istio's task page instead sends port 80 of the host's own entry to the TLS port. Without the rule, that sends
 * plaintext to port 443. It also cannot be rolled out to a host in use without an outage: the rule applies to the
 * previous entry at once, and TLS goes to port 80 until the new entry arrives.
 *
 * If some workloads present a client certificate, each of them has a rule with a workloadSelector (at a sidecar, Istio
 * accepts a Secret from no other rule), and only those rules define the subset: every other pod is refused (503).
 */

/** The host as applications know it. It can be reached by the route only. */
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
 * The host's real addresses, under the private name. Its TCP ports must not match what applications dial, so it gets an
 * address that no application dials.
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
  const routeTo = (number: number, subset?: string) => [
    { destination: { host: privateName, subset, port: { number } } },
  ];
  const plain = settings.policy && PLAIN_SUBSET;
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
        route: routeTo(number, originatingSubset(speaksHttp2(port))),
      })),
    tls: unlessEmpty(
      settings.ports
        .filter(({ protocol }) => protocol === EgressProtocol.TLS)
        .map((port) => ({ match: [{ port: port.number, sniHosts: [host] }], route: routeTo(port.number, plain) })),
    ),
    tcp: unlessEmpty(
      settings.ports
        .filter(({ protocol }) => protocol === EgressProtocol.TCP)
        .map((port) => ({ match: [{ port: port.number }], route: routeTo(port.number, plain) })),
    ),
  };
}

/** The rule for pods without a client certificate. If the host requires one, it has no subset that originates TLS. */
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

/** The rule for the pods of one caller. It replaces the general rule for them; Istio does not merge the two. */
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
  const list: any[] = [];
  if (origination) {
    const number = originationPort(origination, ports);
    const tls = tlsBlock(origination, namespace);
    for (const http2 of [...new Set(ports.filter((port) => port.http).map(speaksHttp2))]) {
      list.push({
        name: originatingSubset(http2),
        trafficPolicy: { portLevelSettings: [portPolicy(number, policy, tls, http2)] },
      });
    }
  }
  if (policy && ports.some((port) => !port.http)) list.push({ name: PLAIN_SUBSET, trafficPolicy: policy });
  return list;
}

function unlessEmpty<T>(list: T[]): T[] | undefined {
  return list.length > 0 ? list : undefined;
}
