import { tellsOfSecrets } from '../manifests/declared-secrets';
import { Manifest } from '../manifests/egress-object';
import { placeOfPluginPolicy } from '../manifests/plugin-policies';
import { POD_TEMPLATE_KINDS, podTemplatePath } from '../istio/pod-templates';

/** Kubernetes' own kinds that can affect a request, beside those with a pod template. */
const KUBERNETES = new Set([
  'Namespace',
  'Service',
  'Endpoints',
  'EndpointSlice',
  'ServiceAccount',
  'Secret',
  'ConfigMap',
  'NetworkPolicy',
  'Role',
  'RoleBinding',
  'ClusterRole',
  'ClusterRoleBinding',
  ...POD_TEMPLATE_KINDS,
]);
/** API groups all of whose kinds can. */
const MESH = /^([a-z]+\.istio\.io|sailoperator\.io|gateway\.networking\.(x-)?k8s\.io)$/;

/** Whether the API is one of Kubernetes' own. */
export function isKubernetesApi(apiVersion: string): boolean {
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : '';
  return group === '' || ['apps', 'batch', 'policy', 'autoscaling', 'extensions'].includes(group) || isBuiltIn(group);
}

function isBuiltIn(group: string): boolean {
  return /^[a-z.]+\.k8s\.io$/.test(group) && !group.includes('.x-k8s');
}

/**
 * Whether objects of a kind can affect a request. Of kinds that nobody here knows, only those that pods are made from
 * can: `text` is the object as it is written, for a first guess without parsing it.
 */
export function canMatter(apiVersion: string, kind: string, text: string): boolean {
  if (kind.endsWith('List')) return true;
  if (isAlwaysRead(apiVersion, kind) || apiVersion.startsWith('kustomize.config.k8s.io/')) return true;
  if (isKubernetesApi(apiVersion)) return KUBERNETES.has(kind);
  return /^\s+template:/m.test(text) && /^\s+(- )?containers:/m.test(text);
}

/** Whether an object that was parsed can affect a request. */
export function matters(manifest: Manifest): boolean {
  const { apiVersion, kind } = manifest;
  if (isAlwaysRead(apiVersion, kind)) return true;
  return isKubernetesApi(apiVersion) ? KUBERNETES.has(kind) : podTemplatePath(manifest) !== undefined;
}

/** Whether objects of a kind that is not one of Kubernetes' own are read, whatever they hold. */
function isAlwaysRead(apiVersion: string, kind: string): boolean {
  return (
    MESH.test(apiVersion.split('/')[0]) ||
    placeOfPluginPolicy(apiVersion, kind) !== undefined ||
    tellsOfSecrets(apiVersion, kind)
  );
}
