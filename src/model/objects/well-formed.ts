import { FieldProblem, schemaProblem, webhookProblem } from './admission';
import { FieldRef } from '../answer/answer';
import { fieldRef } from '../answer/field-ref';
import { hostsOverlap } from './host-names';
import { ModelRequest } from '../requests/request';
import { urlOf } from '../../access/request-url';
import { misfits, Shape } from '../../schema/shape';
import { fullHost } from '../../istio/hosts';
import { PROTOCOL_NAMES } from '../../istio/protocols';
import { ISTIO_SPECS } from '../../istio/specs';
import { EgressObject, Manifest } from '../../manifests/egress-object';
import { FieldPath } from '../../manifests/field-path';
import { Indexed } from '../../manifests/indexed';
import { specOf } from '../../manifests/specs';

/** An object that every API server rejects: a wrong type, a value that is not allowed, an unknown kind or version. */
export interface Malformed {
  readonly source: EgressObject;
  /** Names the object, the field, the value, and what is allowed. */
  readonly problem: string;
  readonly cause: FieldRef;
}

const text: Shape = { type: 'string' };
const whole: Shape = { type: 'integer' };
const any: Shape = { type: 'object' };
const list = (items: Shape): Shape => ({ type: 'array', items });
const fields = (properties: Record<string, Shape>): Shape => ({ type: 'object', properties });
const map = (additionalProperties: Shape): Shape => ({ type: 'object', additionalProperties });
const texts = list(text);
const labels = map(text);
/** istiod ignores the case of protocols. */
const protocol: Shape = { enum: [...PROTOCOL_NAMES, ''], anyCase: true };

/** The shape of a kind, in which each port's `protocol`, plain text for the API server, is one that istiod knows. */
function withProtocols(shape: Shape): Shape {
  const properties =
    shape.properties &&
    Object.fromEntries(Object.entries(shape.properties).map(([name, field]) => [name, withProtocols(field)]));
  const isPort = properties?.number !== undefined && properties.protocol !== undefined;
  return {
    ...shape,
    ...(properties && { properties: isPort ? { ...properties, protocol } : properties }),
    ...(shape.items && { items: withProtocols(shape.items) }),
  };
}

/** Types and allowed values of the fields of Istio's kinds. */
export const SPECS: Readonly<Record<string, Shape>> = Object.fromEntries(
  Object.entries(ISTIO_SPECS).map(([kind, shape]) => [kind, withProtocols(shape)]),
);

/** Common to all objects. */
const METADATA = fields({ name: text, namespace: text, labels, annotations: labels });
const CORE: Record<string, Shape> = {
  Service: fields({
    ports: list(fields({ name: text, port: whole, protocol: text, appProtocol: text })),
    selector: labels,
    clusterIP: text,
    clusterIPs: texts,
    type: text,
  }),
  NetworkPolicy: fields({
    podSelector: any,
    policyTypes: texts,
    egress: list(fields({ to: list(any), ports: list(any) })),
    ingress: list(any),
  }),
};
/** Kinds and versions of Istio's groups. */
const GROUPS: Record<string, { kinds: readonly string[]; versions: readonly string[] }> = {
  'networking.istio.io': {
    kinds: [
      'ServiceEntry',
      'VirtualService',
      'DestinationRule',
      'Gateway',
      'Sidecar',
      'EnvoyFilter',
      'ProxyConfig',
      'WorkloadEntry',
      'WorkloadGroup',
    ],
    versions: ['v1', 'v1beta1', 'v1alpha3'],
  },
  'security.istio.io': {
    kinds: ['AuthorizationPolicy', 'PeerAuthentication', 'RequestAuthentication'],
    versions: ['v1', 'v1beta1'],
  },
};

function problemOf(manifest: Manifest): FieldProblem | undefined {
  const { apiVersion, kind, metadata, spec } = manifest;
  const [group, version] = String(apiVersion).split('/');
  const known = GROUPS[group];
  if (known && !known.kinds.includes(kind))
    return { field: 'kind', problem: `there is no "${kind}" in ${group}; its kinds are ${known.kinds.join(', ')}` };
  if (known && !known.versions.includes(version))
    return {
      field: 'apiVersion',
      problem:
        `"${apiVersion}" is not a version of ${group}; it is ` +
        `${known.versions.map((one) => `${group}/${one}`).join(', ')}`,
    };
  if (known && !/^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/.test(metadata.name))
    return {
      field: 'metadata.name',
      problem: `${JSON.stringify(metadata.name)} is not made of lower-case letters, digits, "-" and "."`,
    };
  const shape = known ? SPECS[kind] : group === 'v1' || group === 'networking.k8s.io' ? CORE[kind] : undefined;
  const created = metadata.creationTimestamp;
  if ((known || shape) && created && Number.isNaN(new Date(created).getTime()))
    return { field: 'metadata.creationTimestamp', problem: `${JSON.stringify(created)} is not a timestamp` };
  const misfit =
    (known || shape ? misfits(metadata, METADATA, 'metadata')[0] : undefined) ??
    (shape && spec !== undefined && spec !== null ? misfits(spec, shape, 'spec')[0] : undefined);
  if (misfit) return { field: misfit.place as FieldPath, problem: misfit.problem };
  return known && spec ? schemaProblem(kind, spec) : undefined;
}

/**
 * Separates the objects that the model can read from those that every API server rejects.
 *
 * @param checked objects that are known to be well-formed
 */
export function separateMalformed(
  objects: Iterable<EgressObject>,
  checked?: ReadonlySet<EgressObject>,
): {
  readonly objects: EgressObject[];
  readonly malformed: Malformed[];
} {
  const wellFormed: EgressObject[] = [];
  const malformed: Malformed[] = [];
  for (const source of objects) {
    if (checked?.has(source)) {
      wellFormed.push(source);
      continue;
    }
    const { manifest } = source;
    const isObject = typeof manifest?.kind === 'string' && manifest.metadata;
    const rejected = isObject ? problemOf(manifest) : undefined;
    const problem =
      rejected ??
      (isObject && manifest.spec && String(manifest.apiVersion).startsWith('networking.istio.io/')
        ? webhookProblem(manifest.kind, manifest.spec)
        : undefined);
    if (problem === undefined) {
      wellFormed.push(source);
      continue;
    }
    const { kind, metadata, spec } = manifest;
    const object = new Indexed(
      source,
      kind,
      String(metadata.namespace ?? 'default'),
      String(metadata.name),
      spec ?? {},
    );
    malformed.push({
      source,
      problem: `${kind} ${object.namespace}/${object.name} would be rejected by ${
        rejected === undefined ? "Istio's webhook" : 'every API server'
      } (${problem.field}: ${problem.problem})`,
      cause: fieldRef(object, problem.field),
    });
  }
  return { objects: wellFormed, malformed };
}

/**
 * The malformed object that could change the answer to a request if it were corrected: one for the host, or for a
 * destination of its VirtualServices, or one whose hosts are missing or cannot be read.
 */
export function malformedThatMatters(
  malformed: readonly Malformed[],
  objects: readonly EgressObject[],
  { url, headers = {}, follow }: ModelRequest,
  clusterDomain?: string,
): Malformed | undefined {
  if (malformed.length === 0 || follow) return malformed[0];
  const hostHeader = Object.entries(headers).find(([name]) => name.toLowerCase() === 'host')?.[1];
  const names = new Set([urlOf(url).hostname, ...(hostHeader === undefined ? [] : [hostHeader.replace(/:\d+$/, '')])]);
  const routed = objects.flatMap(({ manifest }) => {
    const spec = specOf(manifest, 'VirtualService');
    return spec ? [{ spec, place: { namespace: manifest.metadata.namespace ?? 'default', clusterDomain } }] : [];
  });
  // Iterating over a Set also visits what is added meanwhile: the destinations of destinations.
  for (const name of names) {
    for (const { spec, place } of routed) {
      if (!(spec.hosts ?? []).some((host) => hostsOverlap(host, name))) continue;
      for (const route of [...(spec.http ?? []), ...(spec.tls ?? []), ...(spec.tcp ?? [])].flatMap(
        (one) => one.route ?? [],
      )) {
        if (typeof route?.destination?.host === 'string') names.add(fullHost(route.destination.host, place));
      }
    }
  }
  return malformed.find(({ source: { manifest } }) => {
    const place = { namespace: String(manifest.metadata?.namespace ?? 'default'), clusterDomain };
    const { host: own, hosts: several } = (manifest.spec ?? {}) as {
      readonly host?: unknown;
      readonly hosts?: unknown;
    };
    const hosts: unknown[] = [own ?? several ?? []].flat();
    return (
      hosts.length === 0 ||
      hosts.some(
        (host) => typeof host !== 'string' || [...names].some((name) => hostsOverlap(fullHost(host, place), name)),
      )
    );
  });
}
