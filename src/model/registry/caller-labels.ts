import { Condition } from '../answer/conditions';
import { Registry } from './registry';
import { ModelCaller } from '../requests/request';
import { podTemplateOf, PodTemplateSpec, serviceAccountOf } from '../../istio/pod-templates';
import { Indexed, IstioObject } from '../../manifests/indexed';
import { SECTIONS } from '../../manifests/routes';
import { selects, Labels } from '../../manifests/selectors';
import { Route } from '../../manifests/specs';
import { valueIn } from '../../values/grouping';

/** What selects pods, by the kinds that do. */
interface Selectors {
  readonly workloadSelector?: { readonly labels?: Labels; readonly matchLabels?: Labels };
  readonly selector?: { readonly matchLabels?: Labels };
  readonly podSelector?: { readonly matchLabels?: Labels };
}

/** Labels by which an object selects proxies, and the namespace that it is in if it selects no others. */
interface Selecting {
  readonly namespace: string | undefined;
  readonly labels: Labels;
}

/** Labels that the caller's pods could have instead of those that are taken for granted. */
export interface OtherLabels {
  readonly caller: ModelCaller;
  /** Labels that the condition denies: what is so of them is so of more labels than these. */
  readonly denied?: Labels;
  /** What must be so for the answer with the labels that are taken for granted. */
  readonly condition: Condition;
}

/** What the manifests say about the labels of callers that give none. */
export class CallerLabels {
  private readonly selectors = new Map<string, readonly Labels[]>();
  private selecting?: readonly Selecting[];

  constructor(private readonly registry: Registry) {}

  /** The caller, with the labels of the only pod template that has its service account. */
  public complete(caller: ModelCaller): ModelCaller {
    if (isKnown(caller)) return caller;
    const own = this.templatesOf(caller);
    return own.length === 1 ? { ...caller, labels: own[0].metadata?.labels ?? {} } : caller;
  }

  /** The labels that could change an answer, the fewest first, where nothing says which ones the caller's pods have. */
  public *others(caller: ModelCaller): Generator<OtherLabels> {
    if (isKnown(caller)) return;
    const usual: Labels = { app: caller.serviceAccount };
    const pods = `the pods of ${caller.namespace}/${caller.serviceAccount}`;
    for (const labels of this.labelsThatDecide(caller)) {
      const text = textOf(labels);
      const isUsual = selects(labels, usual);
      yield {
        caller: { ...caller, labels: isUsual ? {} : { ...usual, ...labels } },
        ...(!isUsual && { denied: labels }),
        condition: {
          holds: `${pods} ${isUsual ? 'have' : 'do not have'} the label${text.includes(',') ? 's' : ''} ${text}`,
          say: `--labels ${textOf(isUsual ? labels : usual)}`,
        },
      };
    }
  }

  /** The labels of selectors that could select sidecars of the namespace, and of pods that may be the caller's. */
  private labelsThatDecide(caller: ModelCaller): readonly Labels[] {
    return valueIn(this.selectors, `${caller.namespace}/${caller.serviceAccount}`, () => this.collect(caller));
  }

  private collect(caller: ModelCaller): readonly Labels[] {
    const { index, rootNamespace } = this.registry;
    this.selecting ??= index.kinds.flat().flatMap(selectingIn);
    const all = this.selecting
      .filter((one) => one.namespace === undefined || [caller.namespace, rootNamespace].includes(one.namespace))
      .map(({ labels }) => labels);
    const templates = this.templatesOf(caller)
      .filter(mayLeaveOtherwise)
      .map(({ metadata }) => metadata?.labels);
    const found = [...all, ...templates].filter((labels): labels is Labels => Object.keys(labels ?? {}).length > 0);
    const size = (labels: Labels) => Object.keys(labels).length;
    return [...new Map(found.map((labels) => [textOf(labels), labels])).values()].sort((a, b) => size(a) - size(b));
  }

  /** The pods that have the caller's service account. */
  private templatesOf({ namespace, serviceAccount }: ModelCaller): PodTemplateSpec[] {
    return this.registry.index.podTemplates
      .filter((object) => object.namespace === namespace)
      .flatMap(({ manifest }) => podTemplateOf(manifest) ?? [])
      .filter((template) => serviceAccountOf(template) === serviceAccount);
  }
}

/** Whether something of the pods says to Istio how their requests leave them, or they may go past a sidecar. */
function mayLeaveOtherwise(template: PodTemplateSpec): boolean {
  const text = JSON.stringify(template);
  return (
    /istio\.io\/|"name":"istio-proxy"|"runAs(User|Group)":1337/.test(text) ||
    /"hostNetwork":true|"(hostAliases|dnsConfig)":|"dnsPolicy":"(None|Default)"/.test(text)
  );
}

/** The labels by which an object selects proxies. */
function selectingIn(object: Indexed): Selecting[] {
  if (object.kind === 'VirtualService')
    return selecting(undefined, sourceLabels(object as IstioObject<'VirtualService'>));
  const { workloadSelector, selector, podSelector } = (object.spec ?? {}) as Selectors;
  switch (object.kind) {
    case 'Sidecar':
    case 'DestinationRule':
    case 'EnvoyFilter':
      return selecting(object.namespace, [workloadSelector?.labels ?? workloadSelector?.matchLabels]);
    case 'NetworkPolicy':
      return selecting(object.namespace, [podSelector?.matchLabels]);
    case 'AuthorizationPolicy':
    case 'ProxyConfig':
    case 'WasmPlugin':
      return selecting(object.namespace, [selector?.matchLabels]);
    default:
      return [];
  }
}

function selecting(namespace: string | undefined, all: readonly (Labels | undefined)[]): Selecting[] {
  return all.flatMap((labels) => (labels && Object.keys(labels).length > 0 ? [{ namespace, labels }] : []));
}

function isKnown({ labels, name, annotations }: ModelCaller): boolean {
  return labels !== undefined || name !== undefined || annotations !== undefined;
}

function sourceLabels({ spec }: IstioObject<'VirtualService'>): (Labels | undefined)[] {
  return SECTIONS.flatMap((section): readonly Route[] => spec?.[section] ?? []).flatMap(({ match }) =>
    (match ?? []).map((one) => one?.sourceLabels),
  );
}

function textOf(labels: Labels): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',');
}
