import { isIP } from 'net';
import { FieldRef } from './answer';
import { Destination } from './destination';
import { MergedRule } from './destination-rules';
import { fieldRef } from './field-ref';
import { GatewayWorkload, podPort } from './gateway-workloads';
import { Shape, unknownField } from './known-fields';
import { Registry, stopAtOtherClusterDomain } from './registry';
import { portOf, Scope } from './scope';
import { Service, ServicePort } from './service';
import { Undetermined } from './undetermined';
import { isHttp2 } from '../istio/protocols';
import { Indexed } from '../manifests/indexed';
import { selects } from '../manifests/selectors';

/** Where a proxy connects to. */
export type Endpoint =
  | { readonly kind: 'pod'; readonly workload: GatewayWorkload; readonly port: number }
  /** A name that the proxy resolves, or an address. */
  | { readonly kind: 'host'; readonly host: string; readonly port: number }
  /** The address that the application dialled. */
  | { readonly kind: 'original'; readonly port?: number }
  /** The name that the request itself gives: its authority or server name. */
  | { readonly kind: 'asked'; readonly port: number };

/** The TLS settings with which a cluster originates TLS. */
export interface ClientTls {
  readonly value: any;
  readonly object: Indexed;
  readonly field: string;
}

/** The destination of a route, as Envoy has it. */
export interface Cluster {
  readonly service: Service;
  readonly port: ServicePort;
  readonly endpoints: readonly Endpoint[];
  /** The fields that gave the endpoints. */
  readonly decidedBy: readonly FieldRef[];
  readonly tls?: ClientTls;
  /** TLS settings that are written down and have no effect. */
  readonly ignoredTls?: ClientTls;
  readonly rule?: MergedRule;
  /** Whether it speaks HTTP/2 to its endpoints. */
  readonly http2: boolean;
  readonly assumptions: readonly string[];
}

/** Why there is no such cluster. */
export interface NoCluster {
  readonly missing: string;
  readonly decidedBy: readonly FieldRef[];
}

const known = new WeakMap<Destination, Cluster | NoCluster>();

/** The cluster that a destination names, in the proxy whose route has the destination. */
export function clusterOf(registry: Registry, scope: Scope, destination: Destination): Cluster | NoCluster {
  let cluster = known.get(destination);
  if (!cluster) known.set(destination, (cluster = buildCluster(registry, scope, destination)));
  return cluster;
}

function buildCluster(
  registry: Registry,
  scope: Scope,
  { host, port: number, subset, decidedBy }: Destination,
): Cluster | NoCluster {
  const viewer = scope.isGateway ? 'the gateway' : 'the caller';
  const service = scope.services.get(host);
  if (!service) {
    stopAtOtherClusterDomain(registry, host, decidedBy);
    return {
      missing: `no Service or ServiceEntry for ${host} is visible to ${viewer}`,
      decidedBy,
    };
  }
  const port = portOf(service, number);
  if (!port || port.protocol === 'UDP') {
    return {
      missing: `${host} has no port ${number}`,
      decidedBy: [...decidedBy, fieldRef(service.object, 'spec.ports')],
    };
  }
  stopAtUnknownField(service.object, service.object.spec, service.kubernetes ? undefined : 'serviceEntry');
  const conflicting = service.kubernetes ? undefined : registry.conflictingEntry(service, number);
  if (conflicting) {
    throw new Undetermined(
      `two ServiceEntries of namespace ${service.namespace} declare ${host} with resolution ` +
        `${service.resolution} and ${conflicting.resolution} for different namespaces, and istiod may give a ` +
        'proxy the cluster of either',
      [service, conflicting].map((one) => fieldRef(one.object, 'spec.resolution')),
    );
  }
  const rule = registry.destinationRules.ruleFor(scope.proxy.namespace, scope.proxy.labels, host, service.namespace);
  const chosen = subset === undefined ? undefined : rule?.subsets.get(subset);
  if (subset !== undefined && !chosen) {
    const rules = rule?.from.map((object) => fieldRef(object, 'spec.subsets')) ?? [];
    return {
      missing: `${host} has no subset ${subset}${rule ? '' : `: no DestinationRule for it is visible to ${viewer}`}`,
      decidedBy: [
        ...subsetField(decidedBy),
        ...rules,
        ...registry.destinationRules.elsewhere(host, subset).map((object) => fieldRef(object, 'metadata.namespace')),
      ],
    };
  }
  const dynamic = service.resolution === 'DYNAMIC_DNS';
  if (dynamic && subset !== undefined) {
    return {
      missing: `hosts with resolution DYNAMIC_DNS have no subsets, so ${host} has no subset ${subset}`,
      decidedBy: subsetField(decidedBy),
    };
  }
  const { endpoints, where, assumptions } = endpointsOf(registry, scope, service, port, chosen?.value.labels);
  const tls = tlsOf(rule, chosen, number);
  const needsSelector =
    tls &&
    !scope.isGateway &&
    !rule!.selector &&
    tls.value.credentialName &&
    !String(tls.value.credentialName).startsWith('configmap://') &&
    (tls.value.mode === 'SIMPLE' || tls.value.mode === 'MUTUAL');
  return {
    service,
    port,
    endpoints,
    decidedBy: where,
    ...(tls && (needsSelector ? { ignoredTls: tls } : { tls })),
    rule,
    http2: isHttp2(port.protocol) || upgradesToHttp2(rule, chosen, number),
    assumptions,
  };
}

function endpointsOf(
  registry: Registry,
  scope: Scope,
  service: Service,
  port: ServicePort,
  labels?: Record<string, string>,
) {
  const assumptions: string[] = [];
  if (service.kubernetes) {
    const selector: Record<string, string> | undefined = service.object.spec.selector;
    const field = fieldRef(service.object, 'spec.selector');
    if (!selector)
      throw new Undetermined(
        `Service ${service.namespace}/${service.object.name} has no selector, and its endpoints are not among ` +
          'the manifests',
        [field],
      );
    const pods = registry.workloads.filter(
      (workload) =>
        workload.namespace === service.namespace &&
        selects(selector, workload.labels) &&
        selects(labels, workload.labels),
    );
    if (pods.length === 0 && registry.world.gateways === undefined) {
      throw new Undetermined(
        `Service ${service.namespace}/${service.object.name} is inside the mesh and belongs to no gateway that ` +
          'the model knows',
        [field],
      );
    }
    const endpoints = pods.map((workload): Endpoint => ({
      kind: 'pod',
      workload,
      port: podPort(workload, port.number, port.targetPort),
    }));
    for (const { assumption } of pods) if (assumption) assumptions.push(assumption);
    return { endpoints, where: [field], assumptions };
  }
  const portIndex = (service.object.spec.ports ?? []).findIndex((one: any) => one.number === port.number);
  const portField = fieldRef(service.object, portIndex < 0 ? 'spec.ports' : `spec.ports[${portIndex}]`);
  switch (service.resolution) {
    case 'NONE':
      // At a gateway, connections have no original destination other than the gateway itself.
      return {
        endpoints: scope.isGateway
          ? []
          : [{ kind: 'original', port: port.targetPort as number | undefined } as Endpoint],
        where: [fieldRef(service.object, 'spec.resolution')],
        assumptions,
      };
    case 'DYNAMIC_DNS':
      return {
        endpoints: scope.isGateway ? [] : [{ kind: 'asked', port: port.number } as Endpoint],
        where: [fieldRef(service.object, 'spec.resolution')],
        assumptions,
      };
    default:
      return { ...entryEndpoints(registry, service, port, portField, labels), assumptions };
  }
}

/**
 * The endpoints of all ServiceEntries of one host in one namespace. Where the cluster resolves names, an entry's port
 * is found by its number. Over EDS (resolution STATIC) it is found by its name, and endpoints that are not addresses
 * are dropped.
 */
function entryEndpoints(
  registry: Registry,
  service: Service,
  port: ServicePort,
  portField: FieldRef,
  labels?: Record<string, string>,
) {
  const endpoints: Endpoint[] = [];
  const where: FieldRef[] = [];
  const seen = new Set<Indexed>();
  const overEds = service.resolution === 'STATIC';
  for (const sibling of registry.siblings(service)) {
    if (
      seen.has(sibling.object) ||
      sibling.kubernetes ||
      sibling.resolution === 'NONE' ||
      sibling.resolution === 'DYNAMIC_DNS'
    )
      continue;
    seen.add(sibling.object);
    const { spec } = sibling.object;
    if (spec.workloadSelector) {
      throw new Undetermined('the model does not know which workloads the workloadSelector of a ServiceEntry selects', [
        fieldRef(sibling.object, 'spec.workloadSelector'),
      ]);
    }
    const own = sibling.ports.find((one) => (overEds ? one.name === port.name : one.number === port.number));
    if (!own) continue;
    const target = (given: any): number =>
      given?.ports?.[own.name] ?? (own.targetPort as number | undefined) ?? own.number;
    if (spec.endpoints?.length) {
      (spec.endpoints as any[]).forEach((given, index) => {
        stopAtUnknownField(sibling.object, given, 'endpoint', `spec.endpoints[${index}]`);
        if (!given.address || !selects(labels, given.labels) || (overEds && isIP(given.address ?? '') === 0)) return;
        endpoints.push({ kind: 'host', host: given.address, port: target(given) });
        where.push(fieldRef(sibling.object, `spec.endpoints[${index}]`));
      });
    } else if (!overEds && sibling.resolution !== 'STATIC' && (!labels || Object.keys(labels).length === 0)) {
      endpoints.push({ kind: 'host', host: sibling.host, port: target(undefined) });
      where.push(sibling.object === service.object ? portField : fieldRef(sibling.object, 'spec.ports'));
    }
  }
  const unique = [...new Map(endpoints.map((endpoint) => [JSON.stringify(endpoint), endpoint])).values()];
  return {
    endpoints: unique,
    where:
      where.length > 0
        ? where
        : [fieldRef(service.object, service.resolution === 'STATIC' ? 'spec.endpoints' : 'spec.resolution')],
  };
}

/**
 * The TLS settings in force: a port's settings replace those of its policy. A subset's TLS counts before the rule's,
 * and settings for a port of the subset replace the rule's even if they have no TLS.
 */
export function tlsOf(
  rule: MergedRule | undefined,
  subset: { object: Indexed; index: number; value: any } | undefined,
  port: number,
): ClientTls | undefined {
  if (!rule) return undefined;
  const host = rule.policy && policyFor(rule.policy.object, rule.policy.value, 'spec.trafficPolicy', port);
  const own =
    subset?.value.trafficPolicy &&
    policyFor(subset.object, subset.value.trafficPolicy, `spec.subsets[${subset.index}].trafficPolicy`, port);
  if (subset) stopAtUnknownField(subset.object, subset.value, 'subset', `spec.subsets[${subset.index}]`);
  for (const object of rule.from) stopAtUnknownField(object, object.spec, 'destinationRule');
  const found = own && (own.value.tls || own.isPort) ? own : host;
  if (!found?.value.tls) return undefined;
  stopAtUnknownField(found.object, found.value.tls, 'clientTls', `${found.field}.tls`);
  return { value: found.value.tls, object: found.object, field: `${found.field}.tls` };
}

function policyFor(object: Indexed, policy: any, field: string, port: number) {
  stopAtUnknownField(object, policy, 'trafficPolicy', field);
  const index = (policy.portLevelSettings ?? []).findIndex((one: any) => one.port?.number === port);
  if (index < 0) return { object, value: policy, field, isPort: false };
  const value = policy.portLevelSettings[index];
  stopAtUnknownField(object, value, 'trafficPolicy', `${field}.portLevelSettings[${index}]`);
  return { object, value, field: `${field}.portLevelSettings[${index}]`, isPort: true };
}

function upgradesToHttp2(
  rule: MergedRule | undefined,
  subset: { object: Indexed; index: number; value: any } | undefined,
  port: number,
): boolean {
  const pool = (policy: any) => {
    const own = policy?.portLevelSettings?.find((one: any) => one.port?.number === port);
    return own
      ? { found: true, value: own.connectionPool }
      : { found: policy?.connectionPool !== undefined, value: policy?.connectionPool };
  };
  const own = pool(subset?.value.trafficPolicy);
  const chosen = own.found ? own : pool(rule?.policy?.value);
  return chosen.value?.http?.h2UpgradePolicy === 'UPGRADE';
}

/** Makes the answer undetermined where an object has a field that the model does not know. */
export function stopAtUnknownField(object: Indexed, value: any, shape: Shape | undefined, field = 'spec'): void {
  const unknown = shape && unknownField(value, shape);
  if (unknown)
    throw new Undetermined(`the model does not know the field ${field}.${unknown} of ${object.kind}`, [
      fieldRef(object, `${field}.${unknown}`),
    ]);
}

function subsetField(refs: readonly FieldRef[]): FieldRef[] {
  return refs.map((ref) =>
    ref.field?.endsWith('.destination') ? { ...ref, field: `${ref.field}.subset`, origin: ref.origin } : ref,
  );
}
