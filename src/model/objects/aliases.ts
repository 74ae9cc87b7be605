import { serviceHost } from '../../istio/service-names';
import { Indexed } from '../../manifests/indexed';
import { ServiceSpec } from '../../manifests/specs';
import { addTo } from '../../values/grouping';

/** Whether a Kubernetes Service is only another name for a host (type ExternalName). */
export function isAlias({ spec }: Indexed<ServiceSpec>): boolean {
  return spec.type === 'ExternalName' && !!spec.externalName;
}

/**
 * Services of type ExternalName. The cluster's DNS answers with the other name. Where a proxy knows that host, it knows
 * it by the name of the Service as well; no cluster is made of the Service itself.
 */
export class Aliases {
  private readonly targets = new Map<string, string>();
  private readonly byTarget = new Map<string, string[]>();

  constructor(services: readonly Indexed<ServiceSpec>[], clusterDomain: string) {
    for (const service of services) {
      if (!isAlias(service)) continue;
      const target = String(service.spec.externalName).toLowerCase();
      this.targets.set(serviceHost(service.name, service.namespace, clusterDomain), target);
    }
    for (const alias of this.targets.keys()) {
      const host = this.resolve(alias);
      if (host === undefined) continue;
      addTo(this.byTarget, host, alias);
    }
  }

  /** The host that a Service's full name stands for; undefined for other names, and for names that lead in a circle. */
  public resolve(name: string): string | undefined {
    let host = this.targets.get(name);
    for (let steps = 0; host !== undefined && steps < this.targets.size; steps++) {
      const next = this.targets.get(host);
      if (next === undefined) return host;
      host = next;
    }
    return undefined;
  }

  /** The full names of the Services that stand for a host. */
  public of(host: string): readonly string[] {
    return this.byTarget.get(host) ?? NONE;
  }
}

const NONE: readonly string[] = [];
