import { changeSpec, remove, set, valueAt } from './edits';
import { Destination, hopOf, missingHopRule, onPortOf } from './hops';
import { Asked, Candidate, Question } from './question';
import { isTlsMeant } from '../lookups';
import { fullHost, isWildcard } from '../../istio/hosts';
import { portsOf } from '../../istio/protocols';
import { serviceHost } from '../../istio/service-names';
import { groupBy } from '../../values/grouping';
import { FieldPath, upTo } from '../../manifests/field-path';
import { Indexed, IstioObject, nameOf } from '../../manifests/indexed';
import { fullGateway } from '../../manifests/routes';
import { withoutNamespace } from '../../manifests/servers';

type Routes = IstioObject<'VirtualService'>;

export function forSubset(question: Question, object: Routes, field: FieldPath): Candidate[] {
  const destination = valueAt<Destination>(object, field) ?? {};
  const subsetField: FieldPath = `${field}.subset`;
  const host = fullHost(destination.host ?? '', object);
  const rules = question.index
    .ofKind('DestinationRule')
    .filter((rule) => rule.spec.host && fullHost(rule.spec.host, rule) === host);
  return [
    ...rules.flatMap(({ spec }) => (spec.subsets ?? []).map((subset) => set(object, subsetField, subset.name))),
    ...rules.map((rule) =>
      set(rule, `spec.subsets[${(rule.spec.subsets ?? []).length}]`, { name: destination.subset }, 2),
    ),
    { ...remove(object, subsetField), size: 1.5 },
    ...(rules.length === 0 ? missingHopRule(question, object, destination) : []),
  ];
}

export function forDestination(question: Question, object: Routes, field: FieldPath, asked: Asked): Candidate[] {
  const { index } = question;
  const hostOf = ({ name, namespace, clusterDomain }: Indexed) => serviceHost(name, namespace, clusterDomain);
  const destination = valueAt<Destination>(object, field) ?? {};
  const host = fullHost(destination.host ?? '', object);
  const ports = new Set([
    ...index
      .ofKind('ServiceEntry')
      .flatMap((entry) => (entry.spec.hosts?.includes(host) ? portsOf(entry).map(({ number }) => number) : [])),
    ...index.services.flatMap((service) =>
      hostOf(service) === host ? (service.spec.ports ?? []).map(({ port }) => port) : [],
    ),
  ]);
  const names = index.services.map(hostOf);
  const hop = hopOf(object, destination.host);
  return [
    ...(hop && destination.port?.number ? onPortOf(question, hop, destination.port.number, asked) : []),
    ...[...ports]
      .filter((port) => port !== destination.port?.number)
      .map((port) => set(object, `${field}.port.number`, port)),
    ...missingPort(question, host, destination.port?.number),
    ...names
      .filter((name) => name !== host && name.split('.')[0] === host.split('.')[0])
      .map((name) => set(object, `${field}.host`, name)),
    // What is routed to a gateway is not sent to a host instead.
    ...[...new Set((hop ? [] : index.ofKind('ServiceEntry')).flatMap(({ spec }) => spec.hosts ?? []))]
      .filter((name) => name !== host && !isWildcard(name))
      .map((name) => set(object, `${field}.host`, name, 1.5)),
  ];
}

/** The port that a route leads to, in the entry of its host: for TLS if a rule originates it there, or by its number. */
function missingPort({ index }: Question, host: string, number: number | undefined): Candidate[] {
  if (number === undefined) return [];
  const protocol = isTlsMeant(index, host, number) ? 'HTTPS' : 'HTTP';
  return index.ofKind('ServiceEntry').flatMap((entry) => {
    const { hosts, ports = [] } = entry.spec;
    if (!hosts?.includes(host) || ports.some((port) => port.number === number)) return [];
    const port = { number, name: `${protocol.toLowerCase()}-${number}`, protocol };
    return [set(entry, `spec.ports[${ports.length}]`, port, 1.1)];
  });
}

export function forRoute(routes: Routes, field: FieldPath | undefined): Candidate[] {
  const found: Candidate[] = [];
  const fault = field && upTo(field, 'fault');
  if (fault) found.push(remove(routes, fault));
  routes.spec.http?.forEach((one, index) =>
    one.match?.forEach((match, at) => {
      if (match.uri) found.push(set(routes, `spec.http[${index}].match[${at}].uri`, { prefix: '/' }));
    }),
  );
  return found;
}

/** Routes for the host that are bound to another Gateway or to one that does not exist, or that lack the host. */
export function unboundRoutes(question: Question, { host }: Asked): Candidate[] {
  if (question.answer.by !== 'gateway') return [];
  const { index } = question;
  const fullName = ({ namespace, name }: Indexed) => `${namespace}/${name}`;
  const gateways = new Set(index.ofKind('Gateway').map(fullName));
  const byName = groupBy(index.ofKind('Gateway'), ({ name }) => name);
  return index.ofKind('VirtualService').flatMap((routes) => {
    const { hosts = [], ...sections } = routes.spec;
    if (!routes.spec.gateways?.length) return [];
    const bound = routes.spec.gateways.flatMap((name, position) => {
      if (name === 'mesh') return [];
      const meant = fullGateway(name, routes.namespace);
      const sameName = new Set(byName.get(withoutNamespace(name)).map(fullName));
      return [...(gateways.has(meant) ? sameName : gateways)]
        .filter((gateway) => gateway !== name && gateway !== meant)
        .map((gateway) => renamed(routes, position, name, gateway, sameName.has(gateway) ? 1 : 1.5));
    });
    const isForHost = !hosts.includes(host) && JSON.stringify(sections).includes(JSON.stringify(host));
    return [...bound, ...(isForHost ? [set(routes, `spec.hosts[${hosts.length}]`, host, 1.5)] : [])];
  });
}

/** Replaces a Gateway's name everywhere in the VirtualService. */
function renamed(routes: Routes, index: number, from: string, to: string, size: number): Candidate {
  const replace = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(replace)
      : value && typeof value === 'object'
        ? Object.fromEntries(
            Object.entries(value).map(([key, inner]) => [
              key,
              key === 'gateways' && Array.isArray(inner)
                ? inner.map((name) => (name === from ? to : name))
                : replace(inner),
            ]),
          )
        : value;
  return {
    text: `${nameOf(routes)}: set spec.gateways[${index}] to ${JSON.stringify(to)} (and in the matches that name it)`,
    size,
    edits: [changeSpec(routes, (spec) => replace(spec) as typeof spec)],
  };
}

/** `tls` routes of a server that terminates TLS and therefore reads only `tcp`. */
export function unreadSections(question: Question): Candidate[] {
  if (question.answer.by !== 'gateway') return [];
  return question.index.ofKind('VirtualService').flatMap((routes) =>
    (routes.spec.tls ?? []).map((unread, index): Candidate => ({
      text: `${nameOf(routes)}: move spec.tls[${index}] to spec.tcp, without its sniHosts`,
      size: 2,
      edits: [
        changeSpec(routes, ({ tls = [], tcp = [], ...spec }) => ({
          ...spec,
          ...(tls.length > 1 && { tls: tls.filter((_, at) => at !== index) }),
          tcp: [...tcp, { ...unread, match: (unread.match ?? []).map(({ sniHosts: _names, ...match }) => match) }],
        })),
      ],
    })),
  );
}
