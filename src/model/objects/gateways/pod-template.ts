import { GatewayWorkload } from './workload';
import { FieldRef } from '../../answer/answer';
import { Condition, together } from '../../answer/conditions';
import { fieldRef } from '../../answer/field-ref';
import { injectionOf, PodFacts } from '../injection';
import { podDnsOf } from '../pod-dns';
import {
  isForeign,
  ProxyConfig,
  proxyConfigOf,
  unknownFields,
  unreadableFields,
  unreadableVariables,
  keepsCase,
} from '../proxy-config';
import { unknownVariables } from '../proxy-variables';
import { isTrue } from '../../../istio/booleans';
import {
  BOOTSTRAP_OVERRIDE,
  INJECTION_TEMPLATES,
  injectionTemplates,
  PROXY_CONFIG,
  PROXY_CONTAINER,
} from '../../../istio/injection';
import { podTemplateOf, podTemplatePath, serviceAccountOf } from '../../../istio/pod-templates';
import { pathOf } from '../../../manifests/field-path';
import { Indexed, nameOf } from '../../../manifests/indexed';
import { ManifestIndex } from '../../../manifests/manifest-index';
import { listOf } from '../../../values/list-of';

const POD_TEMPLATES = ['Deployment', 'DaemonSet', 'StatefulSet'];

/** The objects that a gateway's pods can be made from. */
export function templatesOf(index: ManifestIndex): Indexed[] {
  return index.kinds.flatMap((bucket) => (POD_TEMPLATES.includes(bucket[0]?.kind) ? bucket : []));
}

/** A gateway, as the object says that its pods are made from. */
export function gatewayOf(object: Indexed, index: ManifestIndex): GatewayWorkload {
  const template = podTemplateOf(object.manifest) ?? {};
  const { metadata, spec } = template;
  const told = toldBy(object);
  const pods = {
    namespace: object.namespace,
    labels: metadata?.labels ?? {},
    serviceAccount: serviceAccountOf(template),
  };
  return {
    id: `${object.namespace}/${object.name}`,
    ...pods,
    containerPorts: new Map(
      (spec?.containers ?? []).flatMap(({ ports }) =>
        (ports ?? []).flatMap(({ name, containerPort }) =>
          name === undefined || containerPort === undefined ? [] : [[name, containerPort] as const],
        ),
      ),
    ),
    ...told,
    condition: together(
      [unlessScaledDown(object), unlessOther(object, index, pods), told.condition].filter((one) => one !== undefined),
    ),
  };
}

/** What a template says to the proxies of a gateway, whether there are any or not. */
export function toldBy(
  object: Indexed,
): Pick<GatewayWorkload, 'hidesEnvoyHeaders' | 'preservesCase' | 'dns' | 'unprivileged' | 'condition'> {
  const config = proxyConfigOf(podTemplateOf(object.manifest)?.metadata?.annotations);
  return {
    hidesEnvoyHeaders: config?.proxyHeaders?.envoyDebugHeaders?.disabled === true,
    preservesCase: keepsCase(config),
    dns: podDnsOf(object),
    unprivileged: unprivilegedBy(object),
    condition: unlessConfigured(object, config),
  };
}

/** The word that makes a proxy a gateway, where its container is written and not injected. */
const ROUTER = 'router';

/** Where nothing makes the pods a gateway's: their proxy is neither written, nor injected by the template of gateways. */
function unlessOther(
  object: Indexed,
  index: ManifestIndex,
  pods: Omit<PodFacts, 'annotations'>,
): Condition | undefined {
  const { metadata, spec } = podTemplateOf(object.manifest) ?? {};
  const annotations = metadata?.annotations ?? {};
  if (listOf(spec?.containers).some((own) => listOf(own?.args).includes(ROUTER))) return undefined;
  const asked = injectionTemplates(annotations).includes('gateway');
  const { injected, doubt } = injectionOf(index, { ...pods, annotations, template: object });
  if (asked && injected) return doubt;
  const why = asked ? 'nothing is injected into them' : `they lack the annotation ${INJECTION_TEMPLATES}: gateway`;
  return {
    holds: `the pods of ${nameOf(object)} are a gateway's, although ${why}`,
    say: asked ? 'let the injector have them' : 'add it',
  };
}

/** Without replicas there are no pods, unless something else scales them. */
function unlessScaledDown(object: Indexed): Condition | undefined {
  if ((object.spec as { readonly replicas?: number } | undefined)?.replicas !== 0) return undefined;
  const holds = `${nameOf(object)} has pods, although its replicas are 0`;
  return { holds, say: 'give it replicas, or leave them out' };
}

/** The variable by which a proxy tells istiod that it has no privileges. It is read of the container alone. */
const UNPRIVILEGED = 'ISTIO_META_UNPRIVILEGED_POD';

/** Variables that do nothing at gateways but for networks. */
const OF_GATEWAYS = [
  ...['DNS_CAPTURE', 'NETWORK', 'REQUESTED_NETWORK_VIEW', 'ROUTER_MODE'].map((name) => `ISTIO_META_${name}`),
  'ISTIO_DUAL_STACK',
];
const KNOWN = { configured: OF_GATEWAYS, contained: [...OF_GATEWAYS, UNPRIVILEGED] };

/** Where a gateway tells its proxy something that the model does not know: that it changes nothing. */
function unlessConfigured(own: Indexed, config: ProxyConfig | undefined): Condition | undefined {
  const template = podTemplateOf(own.manifest);
  const unknown =
    config === undefined || isForeign(config)
      ? [PROXY_CONFIG]
      : [
          ...(template?.metadata?.annotations?.[BOOTSTRAP_OVERRIDE] === undefined ? [] : [BOOTSTRAP_OVERRIDE]),
          ...unknownFields(config, true),
          ...unreadableVariables(config),
          ...unreadableFields(config),
          ...unknownVariables(template, config, KNOWN).map((variable) => variable.name),
        ];
  const [first, ...more] = new Set(unknown);
  if (first === undefined) return undefined;
  const object = nameOf(own);
  return more.length === 0
    ? { holds: `${first} of ${object} changes nothing`, say: 'leave it out, if it does not' }
    : { holds: `${[first, ...more].join(' and ')} of ${object} change nothing`, say: 'leave them out, if they do not' };
}

/** Where the proxy's container says that it has no privileges. */
function unprivilegedBy(object: Indexed): FieldRef | undefined {
  const containers = listOf(podTemplateOf(object.manifest)?.spec?.containers);
  for (const [index, own] of containers.entries()) {
    const at = listOf(own?.env).findIndex((one) => one?.name === UNPRIVILEGED && isTrue(one.value));
    if (own?.name === PROXY_CONTAINER && at >= 0) {
      const path = ['spec', 'containers', index, 'env', at];
      return fieldRef(object, pathOf([...podTemplatePath(object.manifest)!, ...path]));
    }
  }
  return undefined;
}
