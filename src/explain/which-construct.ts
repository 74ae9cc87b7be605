import { Candidate } from './candidates/question';
import { CONSTRUCTS } from '../manifests/annotations';
import { PathStep, stepsOf } from '../manifests/field-path';
import { IstioObject } from '../manifests/indexed';
import { ManifestIndex } from '../manifests/manifest-index';
import { EgressObject, ModelCaller } from '../model';
import { valueIn } from '../values/grouping';

/** The props that decide a field, by the names on its path. */
const PROPS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ServiceEntry: { ports: 'ports', addresses: 'addresses', endpoints: 'endpoints', resolution: 'resolution' },
  DestinationRule: {
    sni: '`sni` of its TlsOrigination',
    subjectAltNames: '`subjectAltNames` of its TlsOrigination',
    caCertificates: '`certificateAuthority` of its TlsOrigination',
    credentialName: '`clientCertificate` of its TlsOrigination',
    mode: '`clientCertificate` of its TlsOrigination',
  },
  NetworkPolicy: { egress: 'unsafeAllowedEgress' },
};

/**
 * A candidate in words: for objects of this library's constructs with the construct and the prop to change. Undefined
 * where it opens, past all props, what a construct keeps closed.
 */
export function inProgram({ text, edits }: Candidate, index: ManifestIndex, caller: ModelCaller): string | undefined {
  for (const { object, field } of edits) {
    const construct = constructOf(object, index);
    if (construct === undefined) continue;
    const steps = field === undefined ? [] : stepsOf(field);
    const prop = propOf(object, constructKindOf(object, index), steps, caller);
    if (prop !== undefined) return `${construct}: ${prop}\nwhich changes ${text}`;
    if (/Policy$/.test(object.manifest.kind) || steps.includes('exportTo')) return undefined;
    return `${text}\n${construct} writes this object: change the program, since the next synth undoes this`;
  }
  return text;
}

/** The class and the path of the construct that an object says that it comes from. */
export function constructOf(object: EgressObject, index: ManifestIndex): string | undefined {
  const kind = constructKindOf(object, index);
  return kind && `${kind} ${pathsOf(object).join(', ')}`;
}

/** The class of that construct. */
export function constructKindOf(object: EgressObject, index: ManifestIndex): string | undefined {
  const paths = pathsOf(object);
  if (paths.length === 0) return undefined;
  const { kind } = object.manifest;
  if (Object.hasOwn(OF_ONE_CONSTRUCT, kind)) return OF_ONE_CONSTRUCT[kind];
  const ofGateways = gatewayPathsIn(index);
  if (paths.some((path) => ofGateways.has(path))) return GATEWAY_EGRESS;
  return OF_HOSTS.includes(kind) ? 'SidecarEgress' : 'construct';
}

export const GATEWAY_EGRESS = 'GatewayEgress';

const gatewayPaths = new WeakMap<ManifestIndex, ReadonlySet<string>>();

/** The paths of the constructs that write something for gateways. */
function gatewayPathsIn(index: ManifestIndex): ReadonlySet<string> {
  return valueIn(gatewayPaths, index, () => {
    const routes = index.ofKind('VirtualService').filter((one) => pathsOf(one).length > 0 && leadsToService(one));
    return new Set([...index.ofKind('Gateway'), ...routes].flatMap(pathsOf));
  });
}

const OF_ONE_CONSTRUCT: Readonly<Record<string, string>> = {
  NetworkPolicy: 'EgressBoundary',
  Sidecar: 'RegistryOnlyMesh',
};
const OF_HOSTS = ['ServiceEntry', 'VirtualService', 'DestinationRule'];

export function pathsOf({ manifest }: EgressObject): string[] {
  const paths = manifest.metadata?.annotations?.[CONSTRUCTS];
  return typeof paths === 'string' ? paths.split(', ') : [];
}

/** Whether a VirtualService leads to a Kubernetes Service, as that of a gateway. */
export function leadsToService({ spec }: IstioObject<'VirtualService'>): boolean {
  return /"host":"[^"]+\.svc\.[^"]+"/.test(JSON.stringify(spec ?? {}));
}

function propOf(
  { manifest }: EgressObject,
  constructKind: string | undefined,
  steps: readonly PathStep[],
  { namespace, serviceAccount }: ModelCaller,
): string | undefined {
  const isServerCaller = manifest.kind === 'Gateway' && steps.includes('subjectAltNames');
  if (isServerCaller || (manifest.kind === 'AuthorizationPolicy' && constructKind === GATEWAY_EGRESS))
    return `add Caller.serviceAccount(${JSON.stringify(namespace)}, ${JSON.stringify(serviceAccount)}) to \`callers\``;
  const props = PROPS[manifest.kind] ?? {};
  const step = [...steps].reverse().find((one) => Object.hasOwn(props, one));
  if (step === undefined) return undefined;
  const prop = props[step];
  return `change ${prop.startsWith('`') ? prop : `\`${prop}\``}`;
}
