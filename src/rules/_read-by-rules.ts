import { tellsOfSecrets } from '../manifests/declared-secrets';
import { Manifest } from '../manifests/egress-object';
import { podTemplatePath } from '../istio/pod-templates';

/** What the rules read, by API group and kind; beside these, everything that pods are made from. */
const KINDS: ReadonlySet<string> = new Set([
  ...['DestinationRule', 'Gateway', 'ServiceEntry', 'Sidecar', 'VirtualService'].map(
    (kind) => `networking.istio.io ${kind}`,
  ),
  'security.istio.io AuthorizationPolicy',
  'gateway.networking.k8s.io BackendTLSPolicy',
  'networking.k8s.io NetworkPolicy',
  'v1 Namespace',
  'v1 Secret',
  'v1 Service',
]);

/**
 * Whether a rule reads an object, beyond its name: one that no rule reads says nothing about the others. Of ConfigMaps
 * only the data are read, which are left out for all but the mesh's own.
 */
export function isReadByRules(manifest: Manifest): boolean {
  const key = `${manifest.apiVersion.split('/')[0]} ${manifest.kind}`;
  return (
    KINDS.has(key) ||
    tellsOfSecrets(manifest.apiVersion, manifest.kind) ||
    (key === 'v1 ConfigMap' && (manifest as { readonly data?: unknown }).data !== undefined) ||
    podTemplatePath(manifest) !== undefined
  );
}
