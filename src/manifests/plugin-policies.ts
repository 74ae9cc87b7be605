/** For what a policy of a network plug-in is. */
export type PolicyPlace = 'namespace' | 'cluster';

/**
 * Policies that decide which connections a network lets through, beside Kubernetes' own NetworkPolicies: by API group,
 * each kind with whether its objects are for one namespace.
 */
const KINDS: Readonly<Record<string, Readonly<Record<string, PolicyPlace>>>> = {
  'cilium.io': { CiliumNetworkPolicy: 'namespace', CiliumClusterwideNetworkPolicy: 'cluster' },
  'projectcalico.org': { NetworkPolicy: 'namespace', GlobalNetworkPolicy: 'cluster' },
  'crd.projectcalico.org': { NetworkPolicy: 'namespace', GlobalNetworkPolicy: 'cluster' },
  'crd.antrea.io': { NetworkPolicy: 'namespace', ClusterNetworkPolicy: 'cluster' },
  'k8s.ovn.org': { EgressFirewall: 'namespace' },
  'network.openshift.io': { EgressNetworkPolicy: 'namespace' },
  'policy.networking.k8s.io': {
    AdminNetworkPolicy: 'cluster',
    BaselineAdminNetworkPolicy: 'cluster',
    ClusterNetworkPolicy: 'cluster',
  },
};

/** For what such a policy is; undefined if the kind is none. */
export function placeOfPluginPolicy(apiVersion: string, kind: string): PolicyPlace | undefined {
  const kinds = KINDS[String(apiVersion).split('/')[0]];
  return kinds && Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
}
