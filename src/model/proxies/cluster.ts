import { ClientTls, tlsOf } from './client-tls';
import { Endpoint, endpointsOf, originalAddress } from './endpoints';
import { FieldRef } from '../answer/answer';
import { MergedRule, MergedSubset } from '../objects/destination-rules';
import { fieldRef } from '../answer/field-ref';
import { stopAtUnknownField } from '../answer/known-fields';
import { Doubts, doubtsOf, unevenOf } from './doubts';
import { clusterRejectionOf } from './rejected-clusters';
import { automaticTlsToOriginal } from './original-tls';
import { Chosen, connectTimeoutOf, ConnectTimeout, inForce, Settings } from './settings';
import { Registry } from '../registry/registry';
import { Destination } from '../routes/destination';
import { portOf, Scope } from '../registry/scope';
import { Service, ServicePort } from '../objects/service';
import { stopAtUnknownService } from '../registry/unknown-service';
import { credentialPlace } from '../../istio/credentials';
import { isHttp2 } from '../../istio/protocols';
import { TrafficPolicy } from '../../manifests/specs';

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
  /** Where bytes are sent through the endpoints by CONNECT. Requests that the proxy reads are not. */
  readonly tunnel?: FieldRef;
  /** Where connections begin with the address of the client (the PROXY protocol). */
  readonly proxyProtocol?: FieldRef;
  /** Where an endpoint that fails is left out for a while. */
  readonly ejects?: FieldRef;
  /** Whether it connects to the address that was dialled, whatever its host is. */
  readonly passes: boolean;
  /** Whether it speaks HTTP/2 to its endpoints. */
  readonly http2: boolean;
  /** Whether it speaks to them what the client speaks, instead. */
  readonly keepsProtocol: boolean;
  readonly doubts: Doubts;
  /** How long it tries to connect, where that is said. */
  readonly connectTimeout?: ConnectTimeout;
  readonly assumptions: readonly string[];
}

/** Why there is no such cluster. */
export interface NoCluster {
  readonly missing: string;
  readonly decidedBy: readonly FieldRef[];
}

/** The clusters that the proxy with this destination may have: one, unless istiod mixes up two entries. */
export function clustersOf(registry: Registry, scope: Scope, destination: Destination): (Cluster | NoCluster)[] {
  const service = scope.services.get(destination.host);
  const other = service && !service.kubernetes ? registry.conflictingEntry(service, destination.port) : undefined;
  return [service, ...(other ? [other] : [])].map((one) => clusterOf(registry, scope, destination, one));
}

/** The cluster of a destination, in the proxy whose route has it. */
function clusterOf(
  registry: Registry,
  scope: Scope,
  { host, port: number, subset, subsetWhere, decidedBy }: Destination,
  service: Service | undefined,
): Cluster | NoCluster {
  const viewer = scope.isGateway ? 'the gateway' : 'the caller';
  if (!service) {
    stopAtUnknownService(registry, host, decidedBy);
    const written = withCapitals(scope, host);
    if (written !== undefined) {
      return {
        missing: `${written.host} has capital letters, and routes for it lead to ${host}, which does not exist`,
        decidedBy: [...decidedBy, fieldRef(written.object, 'spec.hosts')],
      };
    }
    return {
      missing: `no Service or ServiceEntry for ${host} is visible to ${viewer}`,
      decidedBy,
    };
  }
  if (service.aliasFor !== undefined) {
    return {
      missing:
        `${host} is only another name (ExternalName): routes lead on from it only if it declares the port of the request ` +
        'and names no further ExternalName',
      decidedBy: [...decidedBy, fieldRef(service.object, 'spec.ports'), fieldRef(service.object, 'spec.externalName')],
    };
  }
  const port = portOf(service, number);
  if (!port) {
    return {
      missing: service.kubernetes
        ? `Service ${service.namespace}/${service.object.name} has no port ${number}`
        : `ServiceEntry ${service.namespace}/${service.object.name} declares no port ${number} for ${host}`,
      decidedBy: [...decidedBy, fieldRef(service.object, 'spec.ports')],
    };
  }
  if (!service.kubernetes) stopAtUnknownField(service.object, service.object.spec, 'serviceEntry');
  const rule = registry.destinationRules.ruleFor(scope.proxy.namespace, scope.proxy.labels, host, service.namespace);
  const ofSubset = subset === undefined ? undefined : rule?.subsets.get(subset);
  if (subset !== undefined && !ofSubset) {
    const rules = rule?.from.map((object) => fieldRef(object, 'spec.subsets')) ?? [];
    return {
      missing: `${host} has no subset ${subset}${rule ? '' : `: no DestinationRule for it is visible to ${viewer}`}`,
      decidedBy: [
        ...(subsetWhere ? [subsetWhere] : decidedBy),
        ...rules,
        ...registry.destinationRules.elsewhere(host, subset).map((object) => fieldRef(object, 'metadata.namespace')),
      ],
    };
  }
  const dynamic = service.resolution === 'DYNAMIC_DNS';
  if (dynamic && subset !== undefined) {
    return {
      missing: `hosts with resolution DYNAMIC_DNS have no subsets, so ${host} has no subset ${subset}`,
      decidedBy: subsetWhere ? [subsetWhere] : decidedBy,
    };
  }
  const chosen: Chosen = { rule, subset: ofSubset, port: number };
  // With resolution NONE it changes nothing.
  const passes = service.resolution === 'NONE' ? undefined : passthroughOf(chosen);
  const { endpoints, where, assumptions } = passes
    ? { endpoints: originalAddress(scope), where: [passes], assumptions: [] }
    : endpointsOf(registry, scope, service, port, ofSubset?.value.labels);
  const given = tlsOf(rule, ofSubset, number);
  const tls =
    given ??
    (endpoints.some(({ kind }) => kind === 'original')
      ? automaticTlsToOriginal(registry, service, port, chosen)
      : undefined);
  const pool = inForce('connectionPool', chosen)?.value;
  const http2 = isHttp2(port.protocol) || pool?.http?.h2UpgradePolicy === 'UPGRADE';
  const settings: Settings = { ...chosen, service, tls, http2 };
  const rejected = clusterRejectionOf(settings, where) ?? (passes ? undefined : unevenOf(settings));
  if (rejected) throw rejected;
  const needsSelector =
    given &&
    !scope.isGateway &&
    !rule!.selector &&
    given.value.credentialName &&
    credentialPlace(given.value.credentialName, scope.proxy.namespace).kind === 'Secret' &&
    (given.value.mode === 'SIMPLE' || given.value.mode === 'MUTUAL');
  return {
    service,
    port,
    endpoints,
    decidedBy: where,
    ...(tls && (needsSelector ? { ignoredTls: tls } : { tls })),
    rule,
    ...tunnelOf(rule, ofSubset),
    proxyProtocol: proxyProtocolOf(rule, ofSubset, number),
    ejects: inForce('outlierDetection', chosen)?.where,
    passes: passes !== undefined,
    http2,
    keepsProtocol: pool?.http?.useClientProtocol === true || (port.protocol === '' && !scope.isGateway),
    doubts: doubtsOf(chosen),
    connectTimeout: connectTimeoutOf(chosen),
    assumptions,
  };
}

/** The Service of the host that the proxy knows with capitals where a route has it in lower case. */
function withCapitals({ services }: Scope, host: string): Service | undefined {
  for (const [name, service] of services) if (name.toLowerCase() === host) return service;
  return undefined;
}

/** The tunnel of the subset, else of the rule; settings of a port have none. */
function tunnelOf(rule: MergedRule | undefined, subset: MergedSubset | undefined): { readonly tunnel?: FieldRef } {
  if (subset)
    return subset.value.trafficPolicy?.tunnel
      ? { tunnel: fieldRef(subset.object, `spec.subsets[${subset.index}].trafficPolicy.tunnel`) }
      : {};
  return rule?.policy?.value.tunnel ? { tunnel: fieldRef(rule.policy.object, 'spec.trafficPolicy.tunnel') } : {};
}

/** Settings of a port cannot have it, and leave out that of their own policy only. */
function proxyProtocolOf(
  rule: MergedRule | undefined,
  subset: MergedSubset | undefined,
  port: number,
): FieldRef | undefined {
  const isSet = (policy: TrafficPolicy | undefined) =>
    policy?.proxyProtocol && !policy.portLevelSettings?.some((one) => one.port?.number === port);
  if (subset && isSet(subset.value.trafficPolicy))
    return fieldRef(subset.object, `spec.subsets[${subset.index}].trafficPolicy.proxyProtocol`);
  if (rule?.policy && isSet(rule.policy.value)) return fieldRef(rule.policy.object, 'spec.trafficPolicy.proxyProtocol');
  return undefined;
}

/** Where the load balancer PASSTHROUGH is in force: the proxy connects to the address that was dialled. */
function passthroughOf(chosen: Chosen): FieldRef | undefined {
  const balancer = inForce('loadBalancer', chosen);
  return balancer?.value.simple === 'PASSTHROUGH' ? balancer.where : undefined;
}
