import {
  annotationProblem,
  BY_WEBHOOK,
  FieldProblem,
  IN_SCHEMA,
  LATER_FIELDS,
  NEWER_FIELDS,
  NEWER_VALUES,
  problemBy,
} from './admission';
import { FieldRef } from '../answer/answer';
import { fieldRef } from '../answer/field-ref';
import { hostsOverlap, namesOfRequest } from './host-names';
import { ModelRequest } from '../requests/request';
import { list, map, SOME_TEXT, TEXT } from '../../schema/builders';
import { misfits, Shape } from '../../schema/shape';
import { fullHost } from '../../istio/hosts';
import { PROTOCOL_NAMES } from '../../istio/protocols';
import { isAtLeast } from '../../istio/release-lines';
import { ISTIO_SPECS } from '../../istio/specs';
import { EgressObject, Manifest } from '../../manifests/egress-object';
import { FieldPath } from '../../manifests/field-path';
import { Indexed, IstioObject } from '../../manifests/indexed';
import { Hop } from '../../manifests/routes';
import { compare } from '../../values/canonical';

/** An object that the API server or Istio's webhook rejects, such as one with a wrong type or a value that is not allowed. */
export interface Malformed {
  readonly source: EgressObject;
  /** Names the object, the field, the value, and what is allowed. */
  readonly problem: string;
  readonly cause: FieldRef;
}

const whole: Shape = { type: 'integer' };
const any: Shape = { type: 'object' };
const fields = (properties: Record<string, Shape>): Shape => ({ type: 'object', properties });
const texts = list(TEXT);
const labels = map(TEXT);
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
const METADATA = fields({ name: TEXT, namespace: TEXT, labels, annotations: labels });
const labelSelector = fields({
  matchLabels: labels,
  matchExpressions: list({ ...fields({ key: TEXT, operator: TEXT, values: texts }), required: ['key', 'operator'] }),
});
const peers = list(
  fields({
    ipBlock: { ...fields({ cidr: TEXT, except: texts }), required: ['cidr'] },
    podSelector: labelSelector,
    namespaceSelector: labelSelector,
  }),
);
const policyPorts = list(fields({ protocol: TEXT, port: { oneOf: [whole, TEXT] }, endPort: whole }));
/** What is read of the pods of gateways. */
const podTemplate = fields({
  template: fields({
    metadata: fields({ labels, annotations: labels }),
    spec: fields({
      serviceAccountName: TEXT,
      containers: list(fields({ ports: list(fields({ name: TEXT, containerPort: whole })) })),
    }),
  }),
});
const CORE: Record<string, Shape> = {
  Service: fields({
    ports: list(fields({ name: TEXT, port: whole, protocol: TEXT, appProtocol: TEXT })),
    selector: labels,
    clusterIP: TEXT,
    clusterIPs: texts,
    type: TEXT,
  }),
  NetworkPolicy: fields({
    podSelector: labelSelector,
    policyTypes: texts,
    egress: list(fields({ to: peers, ports: policyPorts })),
    ingress: list(fields({ from: peers, ports: policyPorts })),
  }),
  Namespace: any,
  Pod: any,
  Job: podTemplate,
  ReplicaSet: podTemplate,
  Deployment: podTemplate,
  DaemonSet: podTemplate,
  StatefulSet: podTemplate,
};
const CORE_GROUPS: readonly string[] = ['v1', 'networking.k8s.io', 'apps', 'batch', 'extensions'];
const GATEWAY_API_GROUP = /^gateway\.networking\.(x-)?k8s\.io$/;
const parent = fields({ kind: TEXT, name: TEXT, namespace: TEXT });
/** What is read of any kind of the Gateway API. */
const GATEWAY_API = fields({
  gatewayClassName: TEXT,
  addresses: list(fields({ type: TEXT, value: TEXT })),
  parentRef: parent,
  parentRefs: list(parent),
  targetRefs: list(fields({ kind: TEXT, name: TEXT })),
});
const selector = fields({ matchLabels: labels });
const mtls = fields({ mode: { enum: ['UNSET', 'DISABLE', 'PERMISSIVE', 'STRICT'] } });
/** Kinds that no construct makes, and whose schema is not among those of ISTIO_SPECS: what is read of them. */
const OTHERS: Record<string, Shape> = {
  RequestAuthentication: fields({
    selector,
    jwtRules: list({
      ...fields({
        issuer: SOME_TEXT,
        audiences: list(SOME_TEXT),
        jwks: TEXT,
        jwksUri: SOME_TEXT,
        jwks_uri: SOME_TEXT,
        fromHeaders: list({ ...fields({ name: SOME_TEXT, prefix: TEXT }), required: ['name'] }),
        fromParams: list(SOME_TEXT),
        fromCookies: list(SOME_TEXT),
        outputPayloadToHeader: TEXT,
        outputClaimToHeaders: list({
          ...fields({ header: { type: 'string', pattern: '^[-_A-Za-z0-9]+$', example: 'x-claim' }, claim: SOME_TEXT }),
          required: ['header', 'claim'],
        }),
        spaceDelimitedClaims: list(SOME_TEXT),
      }),
      exclusive: [['jwksUri', 'jwks_uri', 'jwks']],
    }),
  }),
  PeerAuthentication: fields({ selector, mtls, portLevelMtls: { ...map(mtls), minProperties: 1 } }),
  EnvoyFilter: fields({
    workloadSelector: fields({ labels }),
    targetRefs: list(any),
    configPatches: list(
      fields({
        applyTo: TEXT,
        match: fields({
          context: TEXT,
          proxy: fields({ proxyVersion: TEXT }),
          listener: fields({
            filterChain: fields({ filter: fields({ name: TEXT, subFilter: fields({ name: TEXT }) }) }),
          }),
        }),
        patch: fields({ operation: TEXT }),
      }),
    ),
  }),
  ProxyConfig: fields({ selector, environmentVariables: labels, concurrency: { ...whole, minimum: 0 } }),
  WorkloadEntry: ISTIO_SPECS.ServiceEntry.properties!.endpoints.items!,
  WasmPlugin: fields({ selector, targetRefs: list(any), match: list(fields({ mode: TEXT })) }),
  TrafficExtension: fields({ selector, targetRefs: list(any) }),
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

/** Kinds with fewer versions than the others of their group. */
const VERSIONS: Readonly<Record<string, readonly string[]>> = { EnvoyFilter: ['v1alpha3'], ProxyConfig: ['v1beta1'] };

function shapeOf(group: string, kind: string): Shape | undefined {
  if (GROUPS[group] || group === 'extensions.istio.io') return SPECS[kind] ?? OTHERS[kind];
  if (CORE_GROUPS.includes(group)) return CORE[kind];
  return GATEWAY_API_GROUP.test(group) ? GATEWAY_API : undefined;
}

function namespaceOf({ metadata }: Manifest): string {
  return String(metadata?.namespace ?? 'default');
}

function problemOf(manifest: Manifest): FieldProblem | undefined {
  const { apiVersion, kind, metadata, spec } = manifest;
  const [group, version] = String(apiVersion).split('/');
  const known = GROUPS[group];
  if (known && !known.kinds.includes(kind))
    return { field: 'kind', problem: `there is no "${kind}" in ${group}; its kinds are ${known.kinds.join(', ')}` };
  const versions = known && (VERSIONS[kind] ?? known.versions);
  if (known && !versions.includes(version))
    return {
      field: 'apiVersion',
      problem:
        `"${apiVersion}" is not a version of ${versions === known.versions ? group : kind}; it is ` +
        `${versions.map((one) => `${group}/${one}`).join(', ')}`,
    };
  if (known && !/^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/.test(metadata.name))
    return {
      field: 'metadata.name',
      problem: `${JSON.stringify(metadata.name)} is not made of lower-case letters, digits, "-" and "."`,
    };
  const shape = shapeOf(group, kind);
  const created = metadata.creationTimestamp;
  if ((known || shape) && created && Number.isNaN(new Date(created).getTime()))
    return { field: 'metadata.creationTimestamp', problem: `${JSON.stringify(created)} is not a timestamp` };
  const misfit =
    (known || shape ? misfits(metadata, METADATA, 'metadata')[0] : undefined) ??
    (shape && spec !== undefined && spec !== null ? misfits(spec, shape, 'spec')[0] : undefined);
  if (misfit)
    return {
      field: misfit.place as FieldPath,
      problem: misfit.problem,
      isForWebhook:
        known !== undefined &&
        misfit.place.endsWith('.protocol') &&
        misfits(spec, ISTIO_SPECS[kind] ?? {}).length === 0,
    };
  return problemBy(IN_SCHEMA, manifest);
}

/**
 * Separates the objects that the model can read from those that every API server rejects.
 *
 * @param istioVersion such as `1.30`. @default - the newest that is known
 * @param checked objects that are known to be well-formed
 */
export function separateMalformed(
  objects: Iterable<EgressObject>,
  istioVersion?: string,
  checked?: ReadonlySet<EgressObject>,
): {
  readonly objects: EgressObject[];
  readonly malformed: Malformed[];
} {
  const isOlder = !isAtLeast(31, istioVersion);
  const isReleased = istioVersion !== undefined && isAtLeast(32, istioVersion);
  const wellFormed: EgressObject[] = [];
  const malformed: Malformed[] = [];
  for (const source of objects) {
    if (checked?.has(source)) {
      wellFormed.push(source);
      continue;
    }
    const { manifest } = source;
    const isObject = typeof manifest?.kind === 'string' && manifest.metadata;
    const rejected = isObject
      ? (problemOf(manifest) ??
        (isReleased ? undefined : problemBy(LATER_FIELDS, manifest)) ??
        (isOlder ? problemBy(NEWER_FIELDS, manifest) : undefined))
      : undefined;
    const problem =
      rejected ??
      (isObject
        ? (annotationProblem(manifest) ??
          problemBy(BY_WEBHOOK, manifest) ??
          (isOlder ? problemBy(NEWER_VALUES, manifest) : undefined))
        : undefined);
    if (problem === undefined) {
      wellFormed.push(source);
      continue;
    }
    const { kind, metadata, spec } = manifest;
    const object = new Indexed(source, kind, namespaceOf(manifest), String(metadata.name), spec ?? {});
    malformed.push({
      source,
      problem: `${kind} ${object.namespace}/${object.name} would be rejected by ${
        rejected === undefined || rejected.isForWebhook ? "Istio's webhook" : 'every API server'
      } (${problem.field}: ${problem.problem})`,
      cause: fieldRef(object, problem.field),
    });
  }
  return { objects: wellFormed, malformed };
}

/** Kinds that act on the pods of their own namespace, or of all where they are in the root namespace. */
const ON_OWN_PODS: ReadonlySet<string> = new Set([
  'NetworkPolicy',
  'EnvoyFilter',
  'ProxyConfig',
  'WasmPlugin',
  'TrafficExtension',
  'AuthorizationPolicy',
  'PeerAuthentication',
  'RequestAuthentication',
  'Sidecar',
]);

/** Kinds that decide nothing before a request arrives at a gateway, with one exception (`isOnlyForGateways`). */
const AT_GATEWAYS: ReadonlySet<string> = new Set([
  'networking.istio.io Gateway',
  'security.istio.io AuthorizationPolicy',
  'security.istio.io RequestAuthentication',
]);

/**
 * Whether a malformed object cannot matter to a request that passes no gateway, as a VirtualService for gateways alone.
 * Sidecars apply AuthorizationPolicies to TLS for hosts with resolution DYNAMIC_DNS.
 */
export function isOnlyForGateways(
  { source: { manifest }, cause }: Malformed,
  entries: readonly IstioObject<'ServiceEntry'>[],
): boolean {
  const { apiVersion, kind } = manifest;
  if (kind === 'AuthorizationPolicy' && entries.some(({ spec }) => spec.resolution === 'DYNAMIC_DNS')) return false;
  if (kind === 'VirtualService' && cause.field?.startsWith('spec.') && !cause.field.startsWith('spec.gateways')) {
    const { gateways } = (manifest.spec ?? {}) as { readonly gateways?: unknown };
    return Array.isArray(gateways) && gateways.length > 0 && !gateways.includes('mesh');
  }
  return AT_GATEWAYS.has(`${apiVersion.split('/')[0]} ${kind}`);
}

/**
 * The malformed object that could change the answer to a request if it were corrected: one for the host, or for a
 * destination of its VirtualServices, or one whose hosts are missing or cannot be read, and which acts on pods of one
 * of these namespaces. A WorkloadEntry, or a
 * WorkloadGroup, of which they are made, is one for the hosts of entries that select workloads.
 */
export function malformedThatMatters(
  malformed: readonly Malformed[],
  hops: readonly Hop[],
  entries: readonly IstioObject<'ServiceEntry'>[],
  request: ModelRequest,
  namespaces: ReadonlySet<string>,
  clusterDomain: string,
): Malformed | undefined {
  if (request.follow) return firstByProblem(malformed);
  const names = new Set(namesOfRequest(request));
  // Iterating over a Set also visits what is added meanwhile: the destinations of destinations.
  for (const name of names)
    for (const { virtualService, host } of hops) {
      const hosts: readonly string[] = virtualService.spec.hosts ?? [];
      // Without hosts, it is a delegate, perhaps of a VirtualService for the name.
      if (hosts.length === 0 || hosts.some((one) => hostsOverlap(fullHost(one, virtualService), name))) names.add(host);
    }
  const thatMatter = malformed.filter(({ source: { manifest } }) => {
    const place = { namespace: namespaceOf(manifest), clusterDomain };
    const { host: own, hosts: several } = (manifest.spec ?? {}) as {
      readonly host?: unknown;
      readonly hosts?: unknown;
    };
    if (ON_OWN_PODS.has(manifest.kind) && !namespaces.has(place.namespace)) return false;
    const isWorkload = manifest.kind === 'WorkloadEntry' || manifest.kind === 'WorkloadGroup';
    const hosts: unknown[] = isWorkload
      ? entries
          .filter(({ namespace, spec }) => namespace === place.namespace && spec.workloadSelector)
          .flatMap(({ spec }) => spec.hosts)
      : [own ?? several ?? []].flat();
    return (
      (hosts.length === 0 && !isWorkload) ||
      hosts.some(
        (host) => typeof host !== 'string' || [...names].some((name) => hostsOverlap(fullHost(host, place), name)),
      )
    );
  });
  return firstByProblem(thatMatter);
}

/** The same one whatever the order of the documents is. */
function firstByProblem(malformed: readonly Malformed[]): Malformed | undefined {
  return [...malformed].sort((a, b) => compare(a.problem, b.problem))[0];
}
