import { field, literal, Validation } from './cel';
import { ISTIODS_OWN } from '../../istio/annotations';

/** What the guard is told, or finds in the app at synth. */
export interface GuardFacts {
  /** Whoever writes here is the platform. */
  readonly platformNamespaces: string[];
  readonly gateways: GuardedPods[];
  readonly sharedGateways: string[];
  readonly endpointCidrs: string[];
  readonly machineCidrs: string[];
  readonly clusterDomain: string;
  /** The fields by which NoTraceContext keeps the headers of tracing inside. */
  readonly tracingSwitches: string[];
  /** What the images of sidecars are called; none for those of Istio's releases. */
  readonly proxyImages: string[];
  /** Variables of sidecars, beside the usual ones. */
  readonly proxyVariables: string[];
}

/** The pods of a gateway, as far as they are known. */
export interface GuardedPods {
  readonly labels: Record<string, string>;

  /** Labels that they certainly do not carry, as a CEL expression over `key`. */
  readonly lacks: string;
}

/** Where a lock lies in a namespace whose authors could take it off. */
export interface GuardedLocks {
  /** The namespaces that are locked; none for the whole mesh. */
  readonly namespaces?: string[];

  /** Sidecars, as `<namespace>/<name>`. */
  readonly sidecars: string[];
}

/** One ValidatingAdmissionPolicy, but for its name. */
export interface GuardPolicy {
  readonly rules: ResourceRule[];
  readonly namespaces: { operator: 'In' | 'NotIn'; values: string[] };
  readonly conditions?: { name: string; expression: string }[];
  readonly variables?: { name: string; expression: string }[];
  readonly validations: (Validation & { readonly messageExpression?: string })[];
}

/** Policies by what they are about, each of which depends on what is known of the app. */
export type GuardPolicies = Record<string, (facts: GuardFacts) => GuardPolicy>;

interface ResourceRule {
  readonly apiGroups: string[];
  readonly apiVersions: string[];
  readonly operations: string[];
  readonly resources: string[];
}

export const labelsOf = (object: string) => field('metadata.labels', '{}', object);
export const annotationsOf = (object: string) => field('metadata.annotations', '{}', object);

export const NOT_ISTIODS_OWN = {
  expression: `${annotationsOf('object')}.all(key, !key.startsWith(${literal(ISTIODS_OWN)}))`,
  message:
    `Annotations below ${ISTIODS_OWN} are istiod's own: with them it would read this object otherwise, as values that the ` +
    'sidecars of others refuse, or as a Gateway for pods of another namespace. Leave them out.',
};

export const NETWORK = 'topology.istio.io/network';
export const NO_NETWORK = {
  expression: `!(${literal(NETWORK)} in ${labelsOf('object')})`,
  message:
    `What has the label ${NETWORK} is a gateway to a network of the mesh, through which sidecars of all namespaces send ` +
    'what is for that network: leave it out. Such gateways belong in a namespace of the platform.',
};

export const PRIVATE = "['.']";
export const HIDDEN = '`exportTo: ["."]`';

/** Every version that Istio's CRDs have served; `matchPolicy: Equivalent` takes those to come. */
const ISTIO_VERSIONS = ['v1', 'v1beta1', 'v1alpha3'];

export function written(apiGroup: string, apiVersions: string[], ...resources: string[]): ResourceRule {
  return { apiGroups: [apiGroup], apiVersions, operations: ['CREATE', 'UPDATE'], resources };
}

export function istio(resource: string): ResourceRule {
  return written('networking.istio.io', ISTIO_VERSIONS, resource);
}

export function outside({ platformNamespaces }: GuardFacts): GuardPolicy['namespaces'] {
  return { operator: 'NotIn', values: platformNamespaces };
}

export function ranges(cidrs: string[]): string {
  return cidrs.length > 0 ? `, so addresses are of ${cidrs.join(', ')} only` : '';
}
