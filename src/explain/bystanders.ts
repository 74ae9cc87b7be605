import { constructOf, isClosed } from './constructs';
import { namesOf, namespaceOf, placeOf } from './manifest';
import { hostOf, urlOf } from '../access/request-url';
import { fullHost } from '../istio/hosts';
import { Answer, EgressModel, EgressObject, ModelCaller, ModelRequest } from '../model';
import { hostsOverlap } from '../model/objects/host-names';

/** An object that names a host of the request but has no effect on the answer. */
export interface Bystander {
  readonly object: string;
  readonly origin: string;
  readonly reason: string;
}

const KINDS = ['ServiceEntry', 'VirtualService', 'DestinationRule'];

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
  const { objects, world } = model;
  if (answer.outcome === 'undetermined') return [];
  const decidedBy = [...answer.steps.flatMap((step) => step.decidedBy), ...answer.causes];
  const met = new Set(decidedBy.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`));
  const gateways = new Set(
    decidedBy.filter(({ kind }) => kind === 'Gateway').map(({ namespace, name }) => `${namespace}/${name}`),
  );
  const places = [caller.namespace, ...(answer.gateway ? [answer.gateway.split('/')[0]] : [])];
  const host = hostOf(urlOf(request.url));
  const hosts = new Set([host]);
  for (const { manifest } of objects) {
    if (
      manifest?.kind !== 'VirtualService' ||
      !met.has(`VirtualService ${namespaceOf(manifest)}/${manifest.metadata?.name}`)
    )
      continue;
    for (const name of manifest.spec?.hosts ?? []) hosts.add(fullHost(name, placeOf(manifest, world)));
  }
  const same = JSON.stringify(answer);
  return objects
    .filter(({ manifest }) => {
      if (!KINDS.includes(manifest?.kind) || !/\.istio\.io\//.test(manifest.apiVersion)) return false;
      const namespace = namespaceOf(manifest);
      return (
        !met.has(`${manifest.kind} ${namespace}/${manifest.metadata?.name}`) &&
        namesOf(manifest).some((name) =>
          [...hosts].some((one) => hostsOverlap(fullHost(name, placeOf(manifest, world)), one)),
        )
      );
    })
    .slice(0, MOST_TRIED)
    .flatMap((object) => {
      const without = model.with(objects.filter((one) => one !== object)).ask(caller, request);
      if (JSON.stringify(without) !== same) return [];
      const { manifest, origin } = object;
      const namespace = namespaceOf(manifest);
      return [
        {
          object: `${manifest.kind} ${namespace}/${manifest.metadata?.name}`,
          origin,
          reason: reasonFor(manifest, namespace, places, gateways) ?? purposeOf(object, objects),
        },
      ];
    });
}

/** What an object of this library's constructs is there for, although this request does without it. */
function purposeOf(object: EgressObject, objects: readonly EgressObject[]): string {
  const construct = constructOf(object, objects);
  if (construct === undefined) return 'the answer is the same without it';
  const { kind, spec } = object.manifest;
  const purpose =
    kind === 'ServiceEntry' && isClosed(spec)
      ? 'it keeps requests that no route takes closed'
      : 'other requests, or those of other callers, need it';
  return `written by ${construct}: ${purpose}`;
}

function reasonFor(
  { kind, spec }: any,
  namespace: string,
  places: readonly string[],
  gateways: ReadonlySet<string>,
): string | undefined {
  const exportTo: string[] = spec.exportTo ?? [];
  const isSeen =
    exportTo.length === 0 ||
    exportTo.includes('*') ||
    places.some((place) => exportTo.includes(place) || (exportTo.includes('.') && place === namespace));
  if (!isSeen) return `not visible in ${places.join(' or ')} (exportTo ${exportTo.join(', ')})`;
  if (kind === 'VirtualService') {
    const bound: string[] = (spec.gateways?.length ? (spec.gateways as string[]) : ['mesh']).map((name) =>
      name === 'mesh' || name.includes('/') ? name : `${namespace}/${name}`,
    );
    if (!bound.some((name) => name === 'mesh' || gateways.has(name)))
      return `bound to ${bound.join(', ')}, which the request does not pass`;
  }
  return undefined;
}
