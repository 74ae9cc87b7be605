import { fieldRef } from './field-ref';
import { Registry } from './registry';
import { Undetermined } from './undetermined';
import { Indexed } from '../manifests/indexed';
import { selects } from '../manifests/selectors';

/** Kinds that change the proxies they apply to in ways that the model does not know. */
const BY_WORKLOAD = new Set(['EnvoyFilter', 'WasmPlugin', 'TrafficExtension', 'ProxyConfig']);
/** Kinds of the Gateway API, which affect traffic in the mesh and at the gateways that they create. */
const GATEWAY_API = new Set([
  'HTTPRoute',
  'GRPCRoute',
  'TLSRoute',
  'TCPRoute',
  'BackendTLSPolicy',
  'ListenerSet',
  'XListenerSet',
  'XBackend',
  'XBackendTrafficPolicy',
]);

interface ProxyPlace {
  readonly namespace: string;
  readonly labels: Record<string, string>;
}

const found = new WeakMap<Registry, { byWorkload: Indexed[]; gatewayApi: Indexed[]; ambient: Indexed[] }>();

/** Makes the answer undetermined where an object of an unknown kind applies to a proxy. */
export function stopAtUnknownKind(registry: Registry, { namespace, labels }: ProxyPlace): void {
  let known = found.get(registry);
  if (!known) {
    const all = registry.index.kinds.flatMap((bucket) => bucket);
    known = {
      byWorkload: all.filter(({ kind }) => BY_WORKLOAD.has(kind)),
      gatewayApi: all.filter(
        ({ kind, manifest }) =>
          String(manifest.apiVersion).includes('gateway.networking') && (GATEWAY_API.has(kind) || kind === 'Gateway'),
      ),
      ambient: all.filter(
        ({ kind, manifest }) =>
          kind === 'Namespace' && manifest.metadata.labels?.['istio.io/dataplane-mode'] === 'ambient',
      ),
    };
    found.set(registry, known);
  }
  for (const object of known.byWorkload) {
    if (object.namespace !== namespace && object.namespace !== registry.rootNamespace) continue;
    const { workloadSelector, selector } = object.spec;
    if (selects(workloadSelector?.labels ?? selector?.matchLabels, labels)) {
      throw new Undetermined(
        `${object.kind} ${object.namespace}/${object.name} applies to a proxy of namespace ${namespace}, and the ` +
          'model does not know what it changes',
        [fieldRef(object, 'spec')],
      );
    }
  }
  for (const object of known.gatewayApi) {
    throw new Undetermined(`the model does not support ${object.kind} of the Gateway API yet`, [fieldRef(object)]);
  }
  for (const object of known.ambient) {
    if (object.name === namespace) {
      throw new Undetermined(`namespace ${namespace} is in ambient mode, which the model does not support`, [
        fieldRef(object, 'metadata.labels["istio.io/dataplane-mode"]'),
      ]);
    }
  }
}
