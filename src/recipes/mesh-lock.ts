import { ApiObjectMetadata } from 'cdk8s';
import * as istio from '../../imports/networking.istio.io';
import { keyOf, objectName } from '../values/names';
import { Rank, RecipeObject } from './recipe';

/** What is locked: the mesh, by the Sidecar of its root namespace; a namespace; or some of its workloads. */
export interface MeshLock {
  readonly namespace: string;
  readonly wholeMesh?: boolean;
  readonly labels?: Record<string, string>;
}

/**
 * The Sidecars by which undeclared hosts are refused.
 *
 * @param imports the hosts that are visible to the locked workloads
 */
export function meshLock(
  locks: MeshLock[],
  imports: string[],
  given: ApiObjectMetadata & { readonly name: string },
): RecipeObject[] {
  return locks.map(({ namespace, wholeMesh, labels }) => {
    const entries = Object.entries(labels ?? {}).sort();
    const pods = entries.map((entry) => entry.join('=')).join(',');
    return {
      id: labels ? `${namespace}:${pods}` : wholeMesh ? 'Resource' : namespace,
      kind: istio.Sidecar,
      side: 'caller',
      rank: Rank.LAST,
      metadata: {
        ...given,
        name: labels ? objectName(given.name, keyOf('lock', ...entries.flat())) : given.name,
        namespace,
      },
      spec: () => sidecar(imports, labels),
    };
  });
}

/** The mode is always written. An empty policy means REGISTRY_ONLY too, but readers cannot see that. */
function sidecar(hosts: string[], labels?: Record<string, string>): istio.SidecarSpec {
  return {
    workloadSelector: labels && { labels },
    egress: [{ hosts }],
    outboundTrafficPolicy: { mode: istio.SidecarSpecOutboundTrafficPolicyMode.REGISTRY_UNDERSCORE_ONLY },
  };
}
