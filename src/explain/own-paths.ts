import { namesOf } from './lookups';
import { constructKindOf, constructOf, GATEWAY_EGRESS } from './which-construct';
import { covers, fullHost } from '../istio/hosts';
import { serviceOfHost } from '../istio/service-names';
import { Indexed, IstioObject } from '../manifests/indexed';
import { ManifestIndex } from '../manifests/manifest-index';
import { isOnMesh } from '../manifests/routes';
import { withoutNamespace } from '../manifests/servers';
import { HOST_ANNOTATION } from '../values/host-annotation';
import { groupBy } from '../values/grouping';

/** The egress path of a host, as the objects that this library's constructs wrote for it say. */
export interface OwnPath {
  /** The class of the construct, and its path. */
  readonly construct: string;
  /** Whether the construct is a `GatewayEgress`. */
  readonly isForGateway: boolean;
  /** Private to the path; part of the names of all its objects. */
  readonly key: string;
  /** What is in the callers' namespace. */
  readonly callerSide: readonly Indexed[];
  /** What is in the namespace of the gateway. */
  readonly gatewaySide: readonly Indexed[];
}

/** The egress paths for a host among the manifests. */
export function ownPathsOf(index: ManifestIndex, host: string): OwnPath[] {
  const objects = index.kinds.flat().filter(({ manifest: { metadata }, name }) => {
    const written = metadata?.annotations?.[HOST_ANNOTATION];
    return typeof written === 'string' && covers(written, host) && keyIn(name) !== undefined;
  });
  const byKey = groupBy(objects, ({ name }) => keyIn(name)!);
  return [...byKey.keys()].flatMap((key): OwnPath[] => {
    const all = byKey.get(key);
    const construct = constructOf(all[0], index);
    if (construct === undefined) return [];
    const isForGateway = constructKindOf(all[0], index) === GATEWAY_EGRESS;
    const gatewaySide = all.filter((object) => isForGateway && isOfGateway(object));
    const callerSide = all.filter((one) => !gatewaySide.includes(one));
    return [{ construct, isForGateway, key, callerSide, gatewaySide }];
  });
}

/** The names by which the caller side asks for the servers of its gateway. */
export function hopNamesOf({ meshTls }: ManifestIndex, { callerSide }: OwnPath): string[] {
  return callerSide
    .flatMap((object) => meshTls.get(object as IstioObject<'DestinationRule'>) ?? [])
    .flatMap(({ sni }) => sni ?? []);
}

/** The Service of the gateway to which the caller side leads. */
export function hopServiceOf({
  callerSide,
}: OwnPath): { readonly name: string; readonly namespace: string } | undefined {
  const [rule] = callerSide.filter(({ kind }) => kind === 'DestinationRule');
  const { host } = (rule as IstioObject<'DestinationRule'> | undefined)?.spec ?? {};
  return rule && host ? serviceOfHost(fullHost(host, rule), rule.clusterDomain) : undefined;
}

/** What the caller side needs and the manifests lack of the gateway side. */
export function missingAtGateway(index: ManifestIndex, path: OwnPath): string[] {
  const service = hopServiceOf(path);
  const [rule] = path.callerSide.filter(({ kind }) => kind === 'DestinationRule');
  if (service === undefined || rule === undefined) return [];
  const id = `${service.namespace}/${rule.name}`;
  const has = (kind: string) => path.gatewaySide.some((one) => one.kind === kind);
  const isServed = (name: string) =>
    index
      .ofKind('Gateway')
      .some(({ spec }) => spec.servers?.some(({ hosts }) => hosts?.some((host) => withoutNamespace(host) === name)));
  const isRouted = (name: string) => index.ofKind('VirtualService').some(({ spec }) => spec.hosts?.includes(name));
  const names = hopNamesOf(index, path);
  return [
    ...(has('Gateway')
      ? names.filter((name) => !isServed(name)).map((name) => `a server for ${name} in Gateway ${id}`)
      : [`Gateway ${id}`]),
    ...names.filter((name) => !isRouted(name)).map((name) => `VirtualService ${id}-${name.split('.')[0]}`),
    ...(has('ServiceEntry') ? [] : [`ServiceEntry ${id}`]),
  ];
}

function isOfGateway(object: Indexed): boolean {
  switch (object.kind) {
    case 'VirtualService':
      return !isOnMesh(object as IstioObject<'VirtualService'>);
    case 'ServiceEntry':
    case 'DestinationRule':
      // Its host has a private name.
      return namesOf(object).every((name) => name.includes(`.${keyIn(object.name)}.`));
    default:
      return object.kind === 'Gateway';
  }
}

function keyIn(name: string): string | undefined {
  return /-([0-9a-f]{20})(?:-|$)/.exec(name)?.[1];
}
