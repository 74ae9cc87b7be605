import { remove, set, valueAt } from './edits';
import { hopOf, missingHopRule, onPortOf } from './hops';
import { Asked, Candidate, nameOf, ofKind, Question } from './question';
import { fullHost, isWildcard } from '../../istio/hosts';
import { serviceHost } from '../../istio/service-names';
import { groupBy } from '../../values/grouping';
import { FieldPath, upTo } from '../../manifests/field-path';
import { EgressObject } from '../../model';
import { namespaceOf, placeOf } from '../manifest';

export function forSubset(question: Question, object: EgressObject, field: FieldPath): Candidate[] {
  const destination = valueAt(object.manifest, field);
  const subsetField: FieldPath = `${field}.subset`;
  const host = fullHost(destination.host, placeOf(object.manifest, question.world));
  const rules = ofKind(question, 'DestinationRule').filter(
    ({ manifest }) => manifest.spec?.host && fullHost(manifest.spec.host, placeOf(manifest, question.world)) === host,
  );
  return [
    ...rules.flatMap(({ manifest }) =>
      (manifest.spec.subsets ?? []).map((subset: any) => set(object, subsetField, subset.name)),
    ),
    ...rules.map((rule) =>
      set(rule, `spec.subsets[${(rule.manifest.spec.subsets ?? []).length}]`, { name: destination.subset }, 2),
    ),
    { ...remove(object, subsetField), size: 1.5 },
    ...(rules.length === 0 ? missingHopRule(question, object, destination) : []),
  ];
}

export function forDestination(question: Question, object: EgressObject, field: FieldPath, asked: Asked): Candidate[] {
  const hostOf = (manifest: any) =>
    serviceHost(manifest.metadata.name, namespaceOf(manifest), question.world.mesh?.clusterDomain);
  const destination = valueAt(object.manifest, field);
  const host = destination?.host && fullHost(destination.host, placeOf(object.manifest, question.world));
  const ports = new Set<number>(
    question.objects.flatMap(({ manifest }) =>
      manifest?.kind === 'ServiceEntry' && manifest.spec?.hosts?.includes(host)
        ? (manifest.spec.ports ?? []).map((port: any) => port.number)
        : manifest?.kind === 'Service' && hostOf(manifest) === host
          ? (manifest.spec?.ports ?? []).map((port: any) => port.port)
          : [],
    ),
  );
  const names = question.objects
    .filter(({ manifest }) => manifest?.kind === 'Service')
    .map(({ manifest }) => hostOf(manifest));
  const hop = hopOf(question, object, destination?.host);
  return [
    ...(hop && destination.port ? onPortOf(question, hop, destination.port.number, asked) : []),
    ...[...ports]
      .filter((port) => port !== destination.port?.number)
      .map((port) => set(object, `${field}.port.number`, port)),
    ...names
      .filter((name) => name !== host && name.split('.')[0] === String(host).split('.')[0])
      .map((name) => set(object, `${field}.host`, name)),
    // What is routed to a gateway is not sent to a host instead.
    ...[...new Set((hop ? [] : ofKind(question, 'ServiceEntry')).flatMap(({ manifest }) => manifest.spec?.hosts ?? []))]
      .filter((name) => name !== host && !isWildcard(name))
      .map((name) => set(object, `${field}.host`, name, 1.5)),
  ];
}

export function forRoute(routes: EgressObject, field: FieldPath | undefined): Candidate[] {
  const found: Candidate[] = [];
  const fault = field && upTo(field, 'fault');
  if (fault) found.push(remove(routes, fault));
  const http: any[] = routes.manifest.spec?.http ?? [];
  http.forEach((one, index) =>
    (one.match ?? []).forEach((match: any, at: number) => {
      if (match.uri) found.push({ ...set(routes, `spec.http[${index}].match[${at}].uri`, { prefix: '/' }) });
    }),
  );
  return found;
}

/** Routes for the host that are bound to another Gateway or to one that does not exist, or that lack the host. */
export function unboundRoutes(question: Question, { host }: Asked): Candidate[] {
  if (question.answer.by !== 'gateway') return [];
  const written = ofKind(question, 'Gateway').map(({ manifest }) => ({
    name: manifest.metadata.name as string,
    gateway: `${namespaceOf(manifest)}/${manifest.metadata.name}`,
  }));
  const gateways = new Set(written.map(({ gateway }) => gateway));
  const byName = groupBy(written, ({ name }) => name);
  return ofKind(question, 'VirtualService')
    .filter(({ manifest }) => (manifest.spec?.gateways ?? []).length > 0)
    .flatMap((routes) => {
      const names: string[] = routes.manifest.spec.gateways;
      const bound = names.flatMap((name, index) => {
        if (name === 'mesh') return [];
        const meant = name.includes('/') ? name : `${namespaceOf(routes.manifest)}/${name}`;
        const sameName = new Set(byName.get(name.slice(name.indexOf('/') + 1)).map(({ gateway }) => gateway));
        return [...(gateways.has(meant) ? sameName : gateways)]
          .filter((gateway) => gateway !== name && gateway !== meant)
          .map((gateway) => renamed(routes, index, name, gateway, sameName.has(gateway) ? 1 : 1.5));
      });
      const { hosts = [], ...sections }: { hosts?: string[] } = routes.manifest.spec;
      const isForHost = !hosts.includes(host) && JSON.stringify(sections).includes(JSON.stringify(host));
      return [...bound, ...(isForHost ? [set(routes, `spec.hosts[${hosts.length}]`, host, 1.5)] : [])];
    });
}

/** Replaces a Gateway's name everywhere in the VirtualService. */
function renamed(routes: EgressObject, index: number, from: string, to: string, size: number): Candidate {
  return {
    text: `${nameOf(routes)}: set spec.gateways[${index}] to ${JSON.stringify(to)} (and in the matches that name it)`,
    size,
    edits: [
      {
        object: routes,
        change: (manifest) => {
          const replace = (value: any): any =>
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
          manifest.spec = replace(manifest.spec);
        },
      },
    ],
  };
}

/** `tls` routes of a server that terminates TLS and therefore reads only `tcp`. */
export function unreadSections(question: Question): Candidate[] {
  if (question.answer.by !== 'gateway') return [];
  return ofKind(question, 'VirtualService').flatMap((routes) =>
    ((routes.manifest.spec?.tls ?? []) as any[]).map((tls, index): Candidate => ({
      text: `${nameOf(routes)}: move spec.tls[${index}] to spec.tcp, without its sniHosts`,
      size: 2,
      edits: [
        {
          object: routes,
          change: (manifest) => {
            manifest.spec.tls.splice(index, 1);
            if (manifest.spec.tls.length === 0) delete manifest.spec.tls;
            manifest.spec.tcp = [
              ...(manifest.spec.tcp ?? []),
              { ...tls, match: (tls.match ?? []).map(({ sniHosts: _names, ...match }: any) => match) },
            ];
          },
        },
      ],
    })),
  );
}
