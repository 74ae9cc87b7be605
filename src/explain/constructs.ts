import { Candidate } from './candidates/question';
import { namesOf } from './manifest';
import { PathStep, stepsOf } from '../manifests/field-path';
import { EgressModel, EgressObject, ModelCaller } from '../model';

/** A construct of this library, as far as its objects tell. */
interface WrittenBy {
  readonly construct: 'GatewayEgress' | 'SidecarEgress' | 'EgressBoundary';
  /** The external host. */
  readonly host?: string;
}

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

/** A candidate in words: for objects of this library's constructs with the construct and the prop to change. */
export function inProgram({ text, edits }: Candidate, { objects }: EgressModel, caller: ModelCaller): string {
  for (const { object, field } of edits) {
    const by = writtenBy(object, objects);
    if (!by) continue;
    const construct = `${by.construct}${by.host === undefined ? '' : ` for ${by.host}`}`;
    const steps = field === undefined ? [] : stepsOf(field);
    const prop = propOf(object, steps, caller);
    return prop === undefined
      ? `${text}\n${construct} writes this object: change the program, since the next synth undoes this`
      : `${construct}: ${prop}\nwhich changes ${text}`;
  }
  return text;
}

/** The construct that writes an object for an external host: its name ends with a key, as does its private name. */
export function writtenBy({ manifest }: EgressObject, objects: readonly EgressObject[]): WrittenBy | undefined {
  const { kind, metadata } = manifest;
  const [, key] = /-([0-9a-f]{20})(?:-|$)/.exec(String(metadata?.name)) ?? [];
  if (key === undefined) return undefined;
  if (kind === 'NetworkPolicy') return { construct: 'EgressBoundary' };
  const named = objects.flatMap(({ manifest: one }) =>
    one?.kind === 'ServiceEntry' && String(one.metadata?.name).includes(`-${key}`) ? namesOf(one) : [],
  );
  const host = named[0]?.replace(new RegExp(`\\.${key}\\..*$`), '');
  if (kind === 'AuthorizationPolicy') return { construct: 'GatewayEgress', host };
  const isOfGateway = objects.some(
    ({ manifest: one }) =>
      String(one?.metadata?.name).includes(`-${key}`) &&
      (one.kind === 'Gateway' || (one.kind === 'VirtualService' && leadsToService(one))),
  );
  return { construct: isOfGateway ? 'GatewayEgress' : 'SidecarEgress', host };
}

/** Whether a VirtualService leads to a Kubernetes Service, as that of a gateway. */
export function leadsToService({ spec }: any): boolean {
  return /"host":"[^"]+\.svc\.[^"]+"/.test(JSON.stringify(spec ?? {}));
}

/** Whether an entry declares its hosts without a place to reach them at, so that only routes lead anywhere. */
export function isClosed(spec: any): boolean {
  return spec?.resolution === 'STATIC' && !spec.endpoints?.length && !spec.workloadSelector;
}

function propOf(
  { manifest }: EgressObject,
  steps: readonly PathStep[],
  { namespace, serviceAccount }: ModelCaller,
): string | undefined {
  const isServerCaller = manifest.kind === 'Gateway' && steps.includes('subjectAltNames');
  if (isServerCaller || manifest.kind === 'AuthorizationPolicy')
    return `add Caller.serviceAccount(${JSON.stringify(namespace)}, ${JSON.stringify(serviceAccount)}) to \`callers\``;
  const props = PROPS[manifest.kind] ?? {};
  const step = [...steps].reverse().find((one) => Object.hasOwn(props, one));
  if (step === undefined) return undefined;
  const prop = props[step];
  return `change ${prop.startsWith('`') ? prop : `\`${prop}\``}`;
}
