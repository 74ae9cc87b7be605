import { fieldRef } from '../answer/field-ref';
import { isGatewayApi, ProxyPlace, reaches } from './gateway-api';
import { Registry } from './registry';
import { Undetermined } from '../answer/undetermined';
import { Indexed } from '../../manifests/indexed';
import { selects } from '../../manifests/selectors';

/**
 * Kinds that change the proxies they apply to in ways that the model does not know, with what of them it does know to
 * change nothing for a request.
 */
const BY_WORKLOAD: Record<string, (spec: any, role: ProxyPlace['role']) => boolean> = {
  EnvoyFilter: patchesNothing,
  WasmPlugin: isForInbound,
  TrafficExtension: () => false,
  ProxyConfig: isOfTheProcess,
};

/** The objects of kinds that the model does not know. */
export class UnknownKinds {
  private readonly byWorkload: readonly Indexed[];
  private readonly gatewayApi: readonly Indexed[];
  private readonly ambient: readonly Indexed[];

  constructor(private readonly registry: Registry) {
    const all = registry.index.kinds.flat();
    this.byWorkload = all.filter(({ kind }) => Object.prototype.hasOwnProperty.call(BY_WORKLOAD, kind));
    this.gatewayApi = all.filter(isGatewayApi);
    this.ambient = all.filter(
      ({ kind, manifest }) =>
        kind === 'Namespace' && manifest.metadata.labels?.['istio.io/dataplane-mode'] === 'ambient',
    );
  }

  /** Makes the answer undetermined where one of them may change what a proxy does with the request. */
  public stopAt(place: ProxyPlace): void {
    const { namespace, labels, role } = place;
    for (const object of this.byWorkload) {
      if (object.namespace !== namespace && object.namespace !== this.registry.rootNamespace) continue;
      const { workloadSelector, selector, targetRefs } = object.spec;
      // With targetRefs, it applies to Gateways of the Gateway API alone, or to Services behind a waypoint.
      if (targetRefs?.length > 0 && role === 'sidecar') continue;
      if (!selects(workloadSelector?.labels ?? selector?.matchLabels, labels)) continue;
      if (BY_WORKLOAD[object.kind](object.spec, role)) continue;
      throw new Undetermined(
        `${object.kind} ${object.namespace}/${object.name} applies to a proxy of namespace ${namespace}, and the ` +
          'model does not know what it changes',
        [fieldRef(object, 'spec')],
      );
    }
    for (const object of this.gatewayApi) {
      if (!reaches(this.registry, object, place)) continue;
      throw new Undetermined(`the model does not support ${object.kind} of the Gateway API yet`, [fieldRef(object)]);
    }
    for (const object of this.ambient) {
      if (object.name !== namespace) continue;
      throw new Undetermined(`namespace ${namespace} is in ambient mode, which the model does not support`, [
        fieldRef(object, 'metadata.labels["istio.io/dataplane-mode"]'),
      ]);
    }
  }
}

/** Patches are for one direction and role, except those of the bootstrap and of extensions. */
const WITH_CONTEXT = new Set([
  'LISTENER',
  'FILTER_CHAIN',
  'LISTENER_FILTER',
  'NETWORK_FILTER',
  'HTTP_FILTER',
  'ROUTE_CONFIGURATION',
  'VIRTUAL_HOST',
  'HTTP_ROUTE',
  'CLUSTER',
]);
/** Contexts that a proxy never has on the way out. */
const ELSEWHERE: Record<ProxyPlace['role'], readonly string[]> = {
  sidecar: ['GATEWAY', 'SIDECAR_INBOUND'],
  gateway: ['SIDECAR_INBOUND', 'SIDECAR_OUTBOUND'],
};
/**
 * Whether no patch of an EnvoyFilter can change what happens to a request. What a patch inserts is never taken for
 * harmless: with a configuration that Envoy does not understand, it makes Envoy refuse the whole listener.
 */
function patchesNothing({ configPatches = [] }: any, role: ProxyPlace['role']): boolean {
  return (configPatches as any[]).every(
    (one) =>
      (WITH_CONTEXT.has(one.applyTo) && ELSEWHERE[role].includes(one.match?.context)) || removesWhatIsAbsent(one),
  );
}

/** The names of all filters that istiod makes, also the former ones that it still finds. */
const ISTIODS_OWN = /^(envoy|istio)/;

/**
 * Whether a patch removes a filter that no proxy has. What only another EnvoyFilter or a plugin inserts is absent too:
 * with that one, the answer is undetermined anyway.
 */
function removesWhatIsAbsent({ applyTo, match, patch }: any): boolean {
  const filter = match?.listener?.filterChain?.filter;
  const names = [filter?.name, ...(applyTo === 'HTTP_FILTER' ? [filter?.subFilter?.name] : [])];
  return (
    patch?.operation === 'REMOVE' &&
    ['HTTP_FILTER', 'NETWORK_FILTER'].includes(applyTo) &&
    names.some((name) => name && !ISTIODS_OWN.test(name))
  );
}

/** Whether a plugin is for inbound requests of a sidecar alone: a gateway counts as a client. */
function isForInbound({ match }: any): boolean {
  return match?.length > 0 && (match as any[]).every(({ mode }) => mode === 'SERVER');
}

/** Variables that the agent or istiod reads, such as ISTIO_META_DNS_CAPTURE. */
const READ_BY_ISTIO = /^(ISTIO_|PILOT_|PROXY_|BOOTSTRAP_|DNS_)/;

/** Whether a ProxyConfig is only about the proxy's process: threads, image, variables that istiod does not read. */
function isOfTheProcess(spec: any): boolean {
  return (
    Object.keys(spec).every((field) => ['selector', 'concurrency', 'image', 'environmentVariables'].includes(field)) &&
    Object.keys(spec.environmentVariables ?? {}).every((name) => !READ_BY_ISTIO.test(name))
  );
}
