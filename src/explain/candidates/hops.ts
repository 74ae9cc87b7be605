import { newRule, set, valueAt } from './edits';
import { appliesTo, Asked, Candidate, Edit, find, NEW_OBJECT, Question } from './question';
import { fullHost } from '../../istio/hosts';
import { serviceOfHost } from '../../istio/service-names';
import { FieldPath, upTo } from '../../manifests/field-path';
import { Indexed, IstioObject } from '../../manifests/indexed';
import { ManifestIndex } from '../../manifests/manifest-index';
import { Answer } from '../../model';
import { refsOf } from '../../model/answer/field-ref';
import { fullGateway, SECTIONS } from '../../manifests/routes';
import { HttpRoute, ItemOf, Of, Route, TlsSettings } from '../../manifests/specs';
import { definesSubset } from '../../manifests/subsets';
import { withoutNamespace } from '../../manifests/servers';

export type Destination = Of<ItemOf<HttpRoute['route']>, 'destination'>;

/** A destination that a route names, and where. */
interface Taken {
  readonly routes: IstioObject<'VirtualService'>;
  readonly field: FieldPath;
  readonly destination: Destination;
}

/** The destinations of the routes that took the request. */
export function destinationsOf(index: ManifestIndex, answer: Answer): Taken[] {
  return refsOf(answer).flatMap((ref) => {
    const field = ref.kind === 'VirtualService' && ref.field && upTo(ref.field, 'destination');
    const routes = field ? (find(index, ref) as IstioObject<'VirtualService'> | undefined) : undefined;
    const destination = field && routes ? valueAt<Destination>(routes, field) : undefined;
    return routes && field && destination ? [{ routes, field, destination }] : [];
  });
}

/** What brings a hop and a server of the gateway together: the subset of a rule, the port, the server name. */
export function toServer({ index, answer }: Question, gateway: IstioObject<'Gateway'>): Candidate[] {
  const hops = destinationsOf(index, answer).filter(({ routes, destination }) => hopOf(routes, destination.host));
  const names = hopNames(index, answer);
  return hops.flatMap(({ routes, field, destination: { host = '', subset, port } }) => [
    ...(subset === undefined
      ? index
          .rulesFor(fullHost(host, routes))
          .flatMap(({ spec }) => (spec.subsets ?? []).map((one) => set(routes, `${field}.subset`, one.name)))
      : []),
    ...(gateway.spec.servers ?? []).flatMap((server, at) => [
      ...(port?.number === undefined || server.port?.number === port.number
        ? []
        : [set(gateway, `spec.servers[${at}].port.number`, port.number)]),
      ...names.map((name) => set(gateway, `spec.servers[${at}].hosts[${server.hosts?.length ?? 0}]`, name)),
    ]),
  ]);
}

/** The server names by which proxies on the egress path ask for the next hop. */
export function hopNames(index: ManifestIndex, { steps }: Answer): string[] {
  return steps
    .filter(({ kind }) => kind === 'originates-mesh-tls')
    .flatMap(({ decidedBy }) => decidedBy)
    .flatMap((ref) => {
      const rule = ref.kind === 'DestinationRule' && ref.field ? find(index, ref) : undefined;
      const sni = rule && valueAt<TlsSettings>(rule, ref.field!)?.sni;
      return typeof sni === 'string' ? [sni] : [];
    });
}

/** The whole hop on another port, one that the Service of the gateway has. */
export function onPortOf(question: Question, service: string, from: number, { host }: Asked): Candidate[] {
  const ports = question.index.services.flatMap(({ name, namespace, spec }) =>
    `${name}.${namespace}` === service ? (spec.ports ?? []).map(({ port }) => port) : [],
  );
  return ports.filter((port) => port !== from).flatMap((port) => moved(question, service, { from, to: port, host }));
}

function moved(
  { index }: Question,
  service: string,
  { from, to, host }: { readonly from: number; readonly to: number; readonly host: string },
): Candidate[] {
  const found: Candidate[] = [];
  for (const routes of index.ofKind('VirtualService')) {
    if (!appliesTo(routes, host)) continue;
    for (const section of SECTIONS)
      (routes.spec[section] ?? []).forEach((one: Route, position: number) => {
        const at = `spec.${section}[${position}]` as const;
        one.route?.forEach(({ destination }, route) => {
          if (destination?.port?.number === from && hopOf(routes, destination.host) === service)
            found.push(set(routes, `${at}.route[${route}].destination.port.number`, to));
        });
        one.match?.forEach((match, number) => {
          const gateways = match.gateways ?? routes.spec.gateways ?? ['mesh'];
          if (match.port === from && !gateways.includes('mesh'))
            found.push(set(routes, `${at}.match[${number}].port`, to));
        });
      });
  }
  for (const gateway of index.ofKind('Gateway'))
    gateway.spec.servers?.forEach((server, position) => {
      const isFor = server.hosts?.some((name) => withoutNamespace(name) === host);
      if (isFor && server.port?.number === from)
        found.push(set(gateway, `spec.servers[${position}].port`, { ...server.port, number: to }));
    });
  for (const rule of index.ofKind('DestinationRule'))
    if (hopOf(rule, rule.spec.host) === service)
      rule.spec.subsets?.forEach(({ trafficPolicy }, subset) =>
        trafficPolicy?.portLevelSettings?.forEach(({ port }, position) => {
          const at = `spec.subsets[${subset}].trafficPolicy.portLevelSettings[${position}]` as const;
          if (port?.number === from) found.push(set(rule, `${at}.port.number`, to));
        }),
      );
  return found.length === 0 ? [] : [together(found, 1.5)];
}

/** The application's TLS through the gateway that already takes the plain HTTP of the host, in the same kind of hop. */
export function tlsThroughGateway(question: Question, { host, port, scheme }: Asked): Candidate[] {
  const { answer, wanted, index } = question;
  if (wanted.via !== 'gateway' || answer.via === 'gateway' || scheme !== 'https') return [];
  const own = index.ofKind('VirtualService').filter(({ spec }) => spec.hosts?.includes(host));
  return own.flatMap((routes) => {
    const hops = (routes.spec.http ?? []).flatMap(({ route }) => route ?? []);
    const hop = hops.map(({ destination }) => destination).find((one) => hopOf(routes, one?.host));
    const rule = index
      .ofKind('DestinationRule')
      .find((one) => hop && one.spec.host === hop.host && definesSubset(one, hop.subset));
    return own.flatMap((inner) =>
      (inner.spec.gateways ?? []).flatMap((name) => {
        const meant = fullGateway(name, inner.namespace);
        const gateway = index.ofKind('Gateway').find((one) => `${one.namespace}/${one.name}` === meant);
        if (!hop || !rule || !gateway) return [];
        const subsets = rule.spec.subsets ?? [];
        const subset = subsets.findIndex((one) => one.name === hop.subset);
        const { length: settings } = subsets[subset].trafficPolicy?.portLevelSettings ?? [];
        const server = {
          port: { number: port, name: `tls-${port}-${host.replace(/\./g, '-')}`, protocol: 'TLS' },
          hosts: [host],
          tls: { mode: 'ISTIO_MUTUAL' },
        };
        return together(
          [
            set(gateway, `spec.servers[${gateway.spec.servers?.length ?? 0}]`, server),
            set(rule, `spec.subsets[${subset}].trafficPolicy.portLevelSettings[${settings}]`, {
              port: { number: port },
              tls: { mode: 'ISTIO_MUTUAL', sni: host },
            }),
            set(routes, `spec.tls[${routes.spec.tls?.length ?? 0}]`, {
              match: [{ gateways: ['mesh'], port, sniHosts: [host] }],
              route: [{ destination: { host: hop.host, subset: hop.subset, port: { number: port } } }],
            }),
            set(inner, `spec.tcp[${inner.spec.tcp?.length ?? 0}]`, {
              match: [{ gateways: [name], port }],
              route: [{ destination: { host, port: { number: port } } }],
            }),
          ],
          NEW_OBJECT,
        );
      }),
    );
  });
}

/** The rule that a route to a gateway's Service names and nobody has written. */
export function missingHopRule(
  { index }: Question,
  routes: IstioObject<'VirtualService'>,
  destination: Destination,
): Candidate[] {
  const host = fullHost(destination.host ?? '', routes);
  const service = serviceOfHost(host, index.clusterDomain);
  if (!service) return [];
  const number = destination.port?.number;
  const names = index
    .ofKind('Gateway')
    .flatMap(({ spec }) => spec.servers ?? [])
    .filter(({ port, tls }) => tls?.mode === 'ISTIO_MUTUAL' && (number === undefined || port?.number === number))
    .flatMap(({ hosts }) => (hosts ?? []).map(withoutNamespace))
    .filter((name) => !name.includes('*'));
  const { namespace } = service;
  return [...new Set(names)].map((sni) => {
    const tls: TlsSettings = { mode: 'ISTIO_MUTUAL', sni };
    const settings = number === undefined ? { tls } : { portLevelSettings: [{ port: { number }, tls }] };
    const spec = { host, subsets: [{ name: destination.subset, trafficPolicy: settings }] };
    const name = `${service.name}-${destination.subset}`;
    return newRule(namespace, name, spec);
  });
}

/** The Service that a name stands for, `<name>.<namespace>`. */
export function hopOf(object: Indexed, host: unknown): string | undefined {
  const service = typeof host === 'string' && serviceOfHost(fullHost(host, object), object.clusterDomain);
  return service ? `${service.name}.${service.namespace}` : undefined;
}

/** Several changes as one. */
function together(changes: readonly Candidate[], size: number): Candidate {
  return {
    text: changes.map(({ text }) => text).join('\n'),
    size: size + changes.length,
    edits: changes.flatMap(({ edits }): readonly Edit[] => edits),
  };
}
