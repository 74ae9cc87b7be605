import { isIPv6 } from 'net';
import { KubeObject } from './kubernetes';
import { ISTIOD_ADDRESS, EXTERNAL_ADDRESS } from './network';
import { FilteredPod, packetFilter, UNFILTERED } from './network-policy';
import { PodShell } from './pod-shell';
import { Workload } from './world';

/**
 * Pods of a real cluster that are processes in the lab. Here istiod serves on 15010, without TLS, what it serves on
 * 15012 in a cluster.
 */
const NO_PODS: FilteredPod[] = [
  { namespace: 'istio-system', labels: { app: 'istiod' }, addresses: [ISTIOD_ADDRESS], elsewhere: { 15012: '15010' } },
  { namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' }, addresses: [EXTERNAL_ADDRESS] },
];

/** The part of a cluster's network that enforces NetworkPolicy: a packet filter in each pod's network namespace. */
export class PolicyEnforcer {
  private readonly policies = new Map<string, KubeObject[]>();
  private readonly namespaces: Record<string, Record<string, string>> = {};
  private readonly inForce = new Map<string, string>();

  public constructor(
    private readonly pods: Workload[],
    private readonly shellOf: (pod: string) => PodShell,
  ) {}

  /** Makes the policies of a set of objects exactly these. */
  public async apply(set: string, objects: KubeObject[]): Promise<void> {
    for (const { kind, metadata } of objects)
      if (kind === 'Namespace') this.namespaces[metadata.name] = metadata.labels ?? {};
    this.policies.set(
      set,
      objects.filter((object) => object.kind === 'NetworkPolicy' && object.apiVersion.startsWith('networking.k8s.io/')),
    );
    const world = {
      policies: [...this.policies.values()].flat(),
      pods: [...this.pods, ...NO_PODS],
      namespaces: this.namespaces,
    };
    await Promise.all(
      this.pods.flatMap((pod) =>
        pod.addresses.map((address) => {
          const family = isIPv6(address) ? 6 : 4;
          return this.enforce(pod, family, packetFilter(pod, world, family));
        }),
      ),
    );
  }

  private async enforce(pod: Workload, family: 4 | 6, filter: string): Promise<void> {
    const key = `${pod.id} ${family}`;
    const before = this.inForce.get(key) ?? UNFILTERED;
    if (filter === before) return;
    this.inForce.set(key, filter);
    const shell = this.shellOf(pod.id);
    await shell.must(family === 6 ? 'ip6tables-nft-restore' : 'iptables-nft-restore', [], filter);
    // The filter knows the opener only of connections that begin after it. So older ones end, the one to istiod too.
    if (before === UNFILTERED) await shell.run('ss', ['-K', '-Htn', 'state', 'established', 'not dst 127.0.0.0/8']);
  }
}
