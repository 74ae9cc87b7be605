import * as k8s from 'cdk8s-plus-33/lib/imports/k8s';

/** The generated classes of Kubernetes' own schemas, by kind: of the versions that this library emits. */
const CLASSES: Record<string, { readonly GVK: { readonly apiVersion: string }; manifest(props: any): any }> = {
  Deployment: k8s.KubeDeployment,
  HorizontalPodAutoscaler: k8s.KubeHorizontalPodAutoscalerV2,
  NetworkPolicy: k8s.KubeNetworkPolicy,
  PodDisruptionBudget: k8s.KubePodDisruptionBudget,
  Role: k8s.KubeRole,
  RoleBinding: k8s.KubeRoleBinding,
  Service: k8s.KubeService,
  ServiceAccount: k8s.KubeServiceAccount,
  ValidatingAdmissionPolicy: k8s.KubeValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding: k8s.KubeValidatingAdmissionPolicyBinding,
};

/** A manifest as Kubernetes' schema knows it: fields that it does not know are gone. */
export function asKubernetesKnowsIt(manifest: any): any {
  const type = CLASSES[manifest.kind];
  if (!type) throw new Error(`no schema for ${manifest.kind}`);
  if (type.GVK.apiVersion !== manifest.apiVersion)
    throw new Error(`${manifest.kind}: ${manifest.apiVersion}, but the schema is of ${type.GVK.apiVersion}`);
  return JSON.parse(
    JSON.stringify(
      type.manifest(
        wrapped(manifest, manifest.kind === 'NetworkPolicy' ? [...NUMBER_OR_TEXT, 'port'] : NUMBER_OR_TEXT),
      ),
    ),
  );
}

const NUMBER_OR_TEXT = ['targetPort', 'maxSurge', 'maxUnavailable'];

/** The generated classes hold "a number or a text" in objects of their own. */
function wrapped(node: any, either: string[], key = ''): any {
  if (either.includes(key) && typeof node !== 'object') return { value: node };
  if (['requests', 'limits'].includes(key))
    return Object.fromEntries(Object.entries(node).map(([name, value]) => [name, { value }]));
  if (Array.isArray(node)) return node.map((item) => wrapped(item, either));
  if (node === null || typeof node !== 'object') return node;
  return Object.fromEntries(Object.entries(node).map(([name, value]) => [name, wrapped(value, either, name)]));
}
