import { constructOf } from './which-construct';
import { refsOf } from '../model/answer/field-ref';
import { indexOf, namesOf } from './lookups';
import { hostOf, urlOf } from '../access/request-url';
import { fullHost } from '../istio/hosts';
import { isClosed } from '../manifests/entries';
import { IstioObject, nameOf } from '../manifests/indexed';
import { ManifestIndex } from '../manifests/manifest-index';
import { fullGateway } from '../manifests/routes';
import { isSeenFrom } from '../manifests/visibility';
import { Answer, EgressModel, ModelCaller, ModelRequest } from '../model';
import { hostsOverlap } from '../model/objects/host-names';

/** An object that names a host of the request but has no effect on the answer. */
export interface Bystander {
  readonly object: string;
  readonly origin: string;
  readonly reason: string;
}

const KINDS = ['ServiceEntry', 'VirtualService', 'DestinationRule'] as const;
type ForHosts = IstioObject<(typeof KINDS)[number]>;

/** The limit on objects that are tried, each of which asks the model once. */
const MOST_TRIED = 24;

/**
 * Objects that are written for the host and do nothing for this request: invisible to its proxies, bound to another
 * Gateway, or overruled by another object. Each is tried: without it, the model's answer is the same, step by step.
 */
export function bystanders(
  answer: Answer,
  model: EgressModel,
  caller: ModelCaller,
  request: ModelRequest,
): Bystander[] {
  if (answer.outcome === 'undetermined') return [];
  const decidedBy = refsOf(answer);
  const met = new Set(decidedBy.map(nameOf));
  const gateways = new Set(
    decidedBy.filter(({ kind }) => kind === 'Gateway').map(({ namespace, name }) => `${namespace}/${name}`),
  );
  const places = [caller.namespace, ...(answer.gateway ? [answer.gateway.split('/')[0]] : [])];
  const host = hostOf(urlOf(request.url));
  const hosts = new Set([host]);
  const index = indexOf(model);
  for (const routes of index.ofKind('VirtualService'))
    if (met.has(nameOf(routes))) for (const name of routes.spec.hosts ?? []) hosts.add(fullHost(name, routes));
  const same = JSON.stringify(answer);
  const about = new Map<unknown, ForHosts>(
    KINDS.flatMap((kind) => index.ofKind(kind)).flatMap((object: ForHosts) => {
      const names = namesOf(object).map((name) => fullHost(name, object));
      const isAbout =
        !met.has(nameOf(object)) && names.some((name) => [...hosts].some((one) => hostsOverlap(name, one)));
      return isAbout ? [[object.manifest, object]] : [];
    }),
  );
  // In the order in which they are given.
  const tried = model.objects.flatMap(({ manifest }) => about.get(manifest) ?? []).slice(0, MOST_TRIED);
  return tried.flatMap((object) => {
    const others = model.objects.filter(({ manifest }) => manifest !== object.manifest);
    if (JSON.stringify(model.with(others).ask(caller, request)) !== same) return [];
    const reason = reasonFor(object, places, gateways) ?? purposeOf(object, index);
    return [{ object: nameOf(object), origin: object.origin, reason }];
  });
}

/** What an object of this library's constructs is there for, although this request does without it. */
function purposeOf(object: ForHosts, index: ManifestIndex): string {
  const construct = constructOf(object, index);
  if (construct === undefined) return 'the answer is the same without it';
  const purpose =
    object.kind === 'ServiceEntry' && isClosed(object as IstioObject<'ServiceEntry'>)
      ? 'it keeps requests that no route takes closed'
      : 'other requests, or those of other callers, need it';
  return `written by ${construct}: ${purpose}`;
}

function reasonFor(object: ForHosts, places: readonly string[], gateways: ReadonlySet<string>): string | undefined {
  if (!places.some((place) => isSeenFrom(object, place)))
    return `not visible in ${places.join(' or ')} (exportTo ${object.spec.exportTo?.join(', ')})`;
  if (object.kind === 'VirtualService') {
    const names = (object as IstioObject<'VirtualService'>).spec.gateways ?? [];
    const bound = names.length > 0 ? names.map((name) => fullGateway(name, object.namespace)) : ['mesh'];
    if (!bound.some((name) => name === 'mesh' || gateways.has(name)))
      return `bound to ${bound.join(', ')}, which the request does not pass`;
  }
  return undefined;
}
