import { isIP } from 'net';
import { remove, set } from './edits';
import { Asked, Candidate, NEW_OBJECT, Question, appliesTo } from './question';
import { isWildcard } from '../../istio/hosts';
import { isHttp } from '../../istio/protocols';
import { isClosed } from '../../manifests/entries';
import { IstioObject } from '../../manifests/indexed';
import { isSeenFrom } from '../../manifests/visibility';
import { addressOf } from '../lookups';
import { leadsToService } from '../which-construct';

/** What resolution NONE does, as a proposal says it. */
export const CALLERS_CHOOSE = 'callers then choose the address themselves';

function protocolFor(scheme: Asked['scheme']): string {
  return { http: 'HTTP', https: 'TLS', tcp: 'TCP' }[scheme];
}

/** A host or port that no entry declares for the caller, or that one declares with another protocol. */
export function undeclared(question: Question, { host, port, scheme }: Asked): Candidate[] {
  const { answer, caller, index: objects } = question;
  if (answer.by !== 'sidecar' && answer.via !== 'undeclared') return [];
  const found: Candidate[] = [];
  const protocol = protocolFor(scheme);
  const address = question.request.dial ?? host;
  const entries = objects
    .ofKind('ServiceEntry')
    .filter((entry) => appliesTo(entry, host) || entry.spec.addresses?.includes(address));
  for (const entry of entries) {
    const { hosts = [], ports = [], addresses = [] } = entry.spec;
    const index = ports.findIndex((one) => one.number === port);
    if (index < 0)
      found.push(
        set(
          entry,
          `spec.ports[${ports.length}]`,
          { number: port, name: `${protocol.toLowerCase()}-${port}`, protocol },
          2,
        ),
      );
    else if (ports[index].protocol !== protocol) found.push(set(entry, `spec.ports[${index}].protocol`, protocol));
    const known = isIP(address) !== 0 ? address : addressOf(host, question.world);
    if (known !== undefined && addresses.length > 0 && !addresses.includes(known))
      found.push(set(entry, `spec.addresses[${addresses.length}]`, known));
    for (const sidecar of objects.ofKind('Sidecar')) {
      const { egress = [] } = sidecar.spec;
      if (egress.length > 0) {
        found.push(
          set(
            sidecar,
            `spec.egress[${egress.length - 1}].hosts[${egress[egress.length - 1].hosts?.length ?? 0}]`,
            `${entry.namespace}/${appliesTo(entry, host) ? host : hosts[0]}`,
          ),
        );
      }
    }
  }
  if (entries.length === 0 && scheme !== 'tcp' && isIP(host) === 0) {
    const name = host.replace(/[^a-z0-9]+/g, '-');
    const { namespace } = caller;
    const spec = {
      hosts: [host],
      exportTo: ['.'],
      location: 'MESH_EXTERNAL',
      resolution: 'DNS',
      ports: [{ number: port, name: `${protocol.toLowerCase()}-${port}`, protocol }],
    };
    found.push({
      text: `add ServiceEntry ${namespace}/${name} with spec ${JSON.stringify(spec)}`,
      size: NEW_OBJECT,
      edits: [],
      added: [{ apiVersion: 'networking.istio.io/v1', kind: 'ServiceEntry', metadata: { name, namespace }, spec }],
    });
  }
  return found;
}

/**
 * Objects that would help if the proxies on the egress path saw them. For a request that gets no further than the
 * sidecar, only those for its host.
 */
export function invisible({ answer, caller, index }: Question, { host }: Asked): Candidate[] {
  const gateway = answer.gateway?.split('/')[0];
  const places = [...new Set([caller.namespace, ...(gateway ? [gateway] : [])])];
  const objects = (['ServiceEntry', 'VirtualService', 'DestinationRule'] as const).flatMap((kind) =>
    index.ofKind(kind),
  );
  return objects.flatMap((object) => {
    const exportTo: readonly string[] = object.spec.exportTo ?? [];
    if (gateway === undefined && !appliesTo(object, host)) return [];
    return places
      .filter((place) => !isSeenFrom(object, place))
      .map((place) => set(object, 'spec.exportTo', [...exportTo.filter((item) => item !== '~'), place]));
  });
}

export function forEntry(
  question: Question,
  entry: IstioObject<'ServiceEntry'>,
  { host, port, scheme }: Asked,
): Candidate[] {
  const { spec } = entry;
  // An entry that leads nowhere beside a route to a gateway is a lock: no request of this host goes past the gateway.
  const isRouted = question.index
    .ofKind('VirtualService')
    .some((routes) => appliesTo(routes, host) && leadsToService(routes));
  if (isClosed(entry) && isRouted) return [];
  const protocol = protocolFor(scheme);
  const found: Candidate[] = ['DNS', 'NONE', 'STATIC']
    .filter((resolution) => (spec.resolution ?? 'NONE') !== resolution)
    .map((resolution) => ({
      ...set(entry, 'spec.resolution', resolution),
      ...(resolution === 'NONE' && { weakens: CALLERS_CHOOSE }),
    }));
  spec.ports?.forEach((one, index) => {
    if (one.number === port && isHttp(one.protocol) && one.targetPort === undefined)
      found.push(set(entry, `spec.ports[${index}].targetPort`, 443));
  });
  spec.ports?.forEach((one, index) => {
    if (one.targetPort !== undefined) {
      found.push(
        remove(
          entry,
          `spec.ports[${index}].targetPort`,
          isHttp(one.protocol) ? 'the request then leaves in clear text' : undefined,
        ),
      );
    }
    if (one.number === port && one.protocol !== protocol)
      found.push(set(entry, `spec.ports[${index}].protocol`, protocol));
  });
  spec.endpoints?.forEach((endpoint, index) => {
    if (endpoint.address !== host && !isWildcard(host))
      found.push(set(entry, `spec.endpoints[${index}].address`, host, 1.5));
  });
  return found;
}
