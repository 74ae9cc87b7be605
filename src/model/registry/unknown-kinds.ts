import { fieldRef } from '../answer/field-ref';
import { GatewayApiObject, isGatewayApi, ProxyPlace, reaches } from './gateway-api';
import { Registry } from './registry';
import { Undetermined } from '../answer/undetermined';
import { KNOWN_MINORS, minorOf } from '../../istio/release-lines';
import { DATAPLANE_MODE } from '../../istio/injection';
import { Indexed } from '../../manifests/indexed';
import { selects } from '../../manifests/selectors';

interface Named {
  readonly name?: string;
}

/** What is read of a patch of an EnvoyFilter. */
interface Patch {
  readonly applyTo?: string;
  readonly match?: {
    readonly context?: string;
    readonly proxy?: { readonly proxyVersion?: string };
    readonly listener?: { readonly filterChain?: { readonly filter?: Named & { readonly subFilter?: Named } } };
  };
  readonly patch?: { readonly operation?: string };
}

/** What is read of an EnvoyFilter, a WasmPlugin, a TrafficExtension or a ProxyConfig. */
interface Extension {
  readonly workloadSelector?: { readonly labels?: Readonly<Record<string, string>> };
  readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
  readonly targetRefs?: readonly unknown[];
  readonly configPatches?: readonly Patch[];
  readonly match?: readonly { readonly mode?: string }[];
  readonly environmentVariables?: object;
}

/**
 * Kinds that change the proxies they apply to in ways that the model does not know, with what of them it does know to
 * change nothing for a request.
 */
const BY_WORKLOAD: Record<string, (spec: Extension, role: ProxyPlace['role'], minors: readonly string[]) => boolean> = {
  EnvoyFilter: patchesNothing,
  WasmPlugin: isForInbound,
  TrafficExtension: () => false,
  ProxyConfig: isOfTheProcess,
};

/** The objects of kinds that the model does not know. */
export class UnknownKinds {
  private readonly byWorkload: readonly Indexed<Extension>[];
  private readonly gatewayApi: readonly GatewayApiObject[];
  private readonly ambient: readonly Indexed[];
  private readonly minors: readonly string[];

  constructor(private readonly registry: Registry) {
    const all = registry.index.kinds.flat();
    this.byWorkload = all.filter((one): one is Indexed<Extension> => Object.hasOwn(BY_WORKLOAD, one.kind));
    this.gatewayApi = all.filter(isGatewayApi);
    this.minors = minorsOfProxies(registry.world.istioVersion);
    this.ambient = all.filter(
      ({ kind, manifest }) => kind === 'Namespace' && manifest.metadata.labels?.[DATAPLANE_MODE] === 'ambient',
    );
  }

  /** Makes the answer undetermined where one of them may change what a proxy does with the request. */
  public stopAt(place: ProxyPlace): void {
    const { namespace, labels, role } = place;
    for (const object of this.byWorkload) {
      if (object.namespace !== namespace && object.namespace !== this.registry.rootNamespace) continue;
      const { workloadSelector, selector, targetRefs } = object.spec;
      // With targetRefs, it applies to Gateways of the Gateway API alone, or to Services behind a waypoint.
      if (targetRefs?.length && role === 'sidecar') continue;
      if (!selects(workloadSelector?.labels ?? selector?.matchLabels, labels)) continue;
      if (BY_WORKLOAD[object.kind](object.spec, role, this.minors)) continue;
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
      // Of callers, their pods say it (`unusualPod`).
      if (object.name !== namespace || role === 'sidecar' || labels[DATAPLANE_MODE] === 'none') continue;
      throw new Undetermined(`namespace ${namespace} is in ambient mode, which the model does not support`, [
        fieldRef(object, `metadata.labels["${DATAPLANE_MODE}"]`),
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
function patchesNothing(
  { configPatches = [] }: Extension,
  role: ProxyPlace['role'],
  minors: readonly string[],
): boolean {
  return configPatches.every((patch) => {
    const { applyTo = '', match } = patch;
    const isElsewhere = WITH_CONTEXT.has(applyTo) && ELSEWHERE[role].includes(match?.context ?? '');
    return isElsewhere || isForOtherReleases(match?.proxy?.proxyVersion, minors) || removesWhatIsAbsent(patch);
  });
}

/** The minor releases that proxies may have: up to two older than istiod, or one newer while it is upgraded. */
function minorsOfProxies(istioVersion = ''): string[] {
  const first = KNOWN_MINORS.oldest - 2;
  const last = Math.max(KNOWN_MINORS.newest, minorOf(istioVersion) ?? 0) + 1;
  return Array.from({ length: last - first + 1 }, (_, at) => `${first + at}`);
}

/** Whether a patch is for proxies of none of these minor releases, such as `^1\.11.*`. */
function isForOtherReleases(proxyVersion: string | undefined, minors: readonly string[]): boolean {
  const [, minor, isWhole] = /^\^1\\?\.(\d+)(\\\.(?![*?{])|$|(?=\.))[^|]*$/.exec(proxyVersion ?? '') ?? [];
  return minor !== undefined && !minors.some((one) => (isWhole === '\\.' ? one === minor : one.startsWith(minor)));
}

/** The names of all filters that istiod makes, also the former ones that it still finds. */
const ISTIODS_OWN = /^(envoy|istio)/;

/**
 * Whether a patch removes a filter that no proxy has. What only another EnvoyFilter or a plugin inserts is absent too:
 * with that one, the answer is undetermined anyway.
 */
function removesWhatIsAbsent({ applyTo, match, patch }: Patch): boolean {
  const filter = match?.listener?.filterChain?.filter;
  const names = [filter?.name, ...(applyTo === 'HTTP_FILTER' ? [filter?.subFilter?.name] : [])];
  return (
    patch?.operation === 'REMOVE' &&
    (applyTo === 'HTTP_FILTER' || applyTo === 'NETWORK_FILTER') &&
    names.some((name) => name !== undefined && name !== '' && !ISTIODS_OWN.test(name))
  );
}

/** Whether a plugin is for inbound requests of a sidecar alone: a gateway counts as a client. */
function isForInbound({ match = [] }: Extension): boolean {
  return match.length > 0 && match.every(({ mode }) => mode === 'SERVER');
}

/** Variables that the agent or istiod reads, such as ISTIO_META_DNS_CAPTURE. */
const READ_BY_ISTIO = /^(ISTIO_|PILOT_|PROXY_|BOOTSTRAP_|DNS_)/;

/** Whether a ProxyConfig is only about the proxy's process: threads, image, variables that istiod does not read. */
function isOfTheProcess(spec: Extension): boolean {
  return (
    Object.keys(spec).every((field) => ['selector', 'concurrency', 'image', 'environmentVariables'].includes(field)) &&
    Object.keys(spec.environmentVariables ?? {}).every((name) => !READ_BY_ISTIO.test(name))
  );
}
