import { set } from './edits';
import { appliesTo, Asked, Candidate, Edit, NEW_OBJECT, ofKind, Question } from './question';
import { fullHost } from '../../istio/hosts';
import { serviceOfHost } from '../../istio/service-names';
import { EgressObject } from '../../model';
import { namespaceOf, placeOf } from '../manifest';
import { yamlLines } from '../yaml-lines';

/** The whole hop on another port, one that the Service of the gateway has. */
export function onPortOf(question: Question, service: string, from: number, { host }: Asked): Candidate[] {
  const ports = question.objects.flatMap(({ manifest }) =>
    manifest?.kind === 'Service' && `${manifest.metadata.name}.${namespaceOf(manifest)}` === service
      ? ((manifest.spec?.ports ?? []) as any[]).map(({ port }) => port as number)
      : [],
  );
  return ports.filter((port) => port !== from).flatMap((port) => moved(question, service, { from, to: port, host }));
}

function moved(
  question: Question,
  service: string,
  { from, to, host }: { readonly from: number; readonly to: number; readonly host: string },
): Candidate[] {
  const found: Candidate[] = [];
  for (const routes of ofKind(question, 'VirtualService')) {
    if (!appliesTo(routes.manifest, host)) continue;
    for (const section of ['http', 'tls', 'tcp'] as const)
      ((routes.manifest.spec[section] ?? []) as any[]).forEach((one, index) => {
        const at = `spec.${section}[${index}]` as const;
        ((one.route ?? []) as any[]).forEach(({ destination }, route) => {
          if (destination?.port?.number === from && hopOf(question, routes, destination.host) === service)
            found.push(set(routes, `${at}.route[${route}].destination.port.number`, to));
        });
        ((one.match ?? []) as any[]).forEach((match, number) => {
          const gateways: string[] = match.gateways ?? routes.manifest.spec.gateways ?? ['mesh'];
          if (match.port === from && !gateways.includes('mesh'))
            found.push(set(routes, `${at}.match[${number}].port`, to));
        });
      });
  }
  for (const gateway of ofKind(question, 'Gateway'))
    ((gateway.manifest.spec?.servers ?? []) as any[]).forEach((server, index) => {
      const isFor = (server.hosts ?? []).some((name: string) => name.slice(name.indexOf('/') + 1) === host);
      if (isFor && server.port?.number === from)
        found.push(set(gateway, `spec.servers[${index}].port`, { ...server.port, number: to }));
    });
  for (const rule of ofKind(question, 'DestinationRule'))
    if (hopOf(question, rule, rule.manifest.spec?.host) === service)
      ((rule.manifest.spec.subsets ?? []) as any[]).forEach(({ trafficPolicy }, subset) =>
        ((trafficPolicy?.portLevelSettings ?? []) as any[]).forEach(({ port }, index) => {
          const at = `spec.subsets[${subset}].trafficPolicy.portLevelSettings[${index}]` as const;
          if (port?.number === from) found.push(set(rule, `${at}.port.number`, to));
        }),
      );
  return found.length === 0 ? [] : [together(found, 1.5)];
}

/** The application's TLS through the gateway that already takes the plain HTTP of the host, in the same kind of hop. */
export function tlsThroughGateway(question: Question, { host, port, scheme }: Asked): Candidate[] {
  const { answer, wanted } = question;
  if (wanted.via !== 'gateway' || answer.via === 'gateway' || scheme !== 'https') return [];
  const own = ofKind(question, 'VirtualService').filter(({ manifest }) => manifest.spec?.hosts?.includes(host));
  const gateways = ofKind(question, 'Gateway');
  return own.flatMap((routes) => {
    const hops = ((routes.manifest.spec.http ?? []) as any[]).flatMap(({ route }) => (route ?? []) as any[]);
    const hop = hops.map(({ destination }) => destination).find((one) => hopOf(question, routes, one?.host));
    const rule = ofKind(question, 'DestinationRule').find(
      ({ manifest }) =>
        hop && manifest.spec?.host === hop.host && manifest.spec.subsets?.some(({ name }: any) => name === hop.subset),
    );
    return own.flatMap((inner) =>
      ((inner.manifest.spec.gateways ?? []) as string[]).flatMap((name) => {
        const meant = name.includes('/') ? name : `${namespaceOf(inner.manifest)}/${name}`;
        const gateway = gateways.find(({ manifest }) => `${namespaceOf(manifest)}/${manifest.metadata.name}` === meant);
        if (!hop || !rule || !gateway) return [];
        const subset = (rule.manifest.spec.subsets as any[]).findIndex((one) => one.name === hop.subset);
        const { length: settings = 0 } = rule.manifest.spec.subsets[subset].trafficPolicy?.portLevelSettings ?? {};
        const next = (object: EgressObject, section: string) => object.manifest.spec[section]?.length ?? 0;
        const server = {
          port: { number: port, name: `tls-${port}-${host.replace(/\./g, '-')}`, protocol: 'TLS' },
          hosts: [host],
          tls: { mode: 'ISTIO_MUTUAL' },
        };
        return together(
          [
            set(gateway, `spec.servers[${next(gateway, 'servers')}]`, server),
            set(rule, `spec.subsets[${subset}].trafficPolicy.portLevelSettings[${settings}]`, {
              port: { number: port },
              tls: { mode: 'ISTIO_MUTUAL', sni: host },
            }),
            set(routes, `spec.tls[${next(routes, 'tls')}]`, {
              match: [{ gateways: ['mesh'], port, sniHosts: [host] }],
              route: [{ destination: { host: hop.host, subset: hop.subset, port: { number: port } } }],
            }),
            set(inner, `spec.tcp[${next(inner, 'tcp')}]`, {
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
export function missingHopRule(question: Question, routes: EgressObject, destination: any): Candidate[] {
  const host = fullHost(destination.host, placeOf(routes.manifest, question.world));
  const service = serviceOfHost(host, question.world.mesh?.clusterDomain);
  if (!service) return [];
  const number = destination.port?.number;
  const names = ofKind(question, 'Gateway')
    .flatMap(({ manifest }) => (manifest.spec?.servers ?? []) as any[])
    .filter(({ port, tls }) => tls?.mode === 'ISTIO_MUTUAL' && (number === undefined || port?.number === number))
    .flatMap(({ hosts }) => ((hosts ?? []) as string[]).map((one) => one.slice(one.indexOf('/') + 1)))
    .filter((name) => !name.includes('*'));
  const { namespace } = service;
  return [...new Set(names)].map((sni) => {
    const tls = { mode: 'ISTIO_MUTUAL', sni };
    const settings = number === undefined ? { tls } : { portLevelSettings: [{ port: { number }, tls }] };
    const spec = { host, subsets: [{ name: destination.subset, trafficPolicy: settings }] };
    const name = `${service.name}-${destination.subset}`;
    const rule = { apiVersion: 'networking.istio.io/v1', kind: 'DestinationRule', metadata: { name, namespace }, spec };
    return {
      text: [`add DestinationRule ${namespace}/${name}:`, ...yamlLines(rule).map((line) => `  ${line}`)].join('\n'),
      size: NEW_OBJECT,
      edits: [],
      added: [rule],
    };
  });
}

/** The Service that a name stands for, `<name>.<namespace>`. */
export function hopOf(
  { world }: Pick<Question, 'world'>,
  { manifest }: EgressObject,
  host: unknown,
): string | undefined {
  const service =
    typeof host === 'string' && serviceOfHost(fullHost(host, placeOf(manifest, world)), world.mesh?.clusterDomain);
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
