import * as k8s from 'cdk8s-plus-33/lib/imports/k8s';

/** The classes generated from Kubernetes' schemas, by kind, in the API versions that this library emits. */
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

/** The manifest without the fields that Kubernetes' schema does not have. */
export function asKubernetesKnowsIt(manifest: any): any {
  const type = CLASSES[manifest.kind];
  if (!type) throw new Error(`no schema for ${manifest.kind}`);
  if (type.GVK.apiVersion !== manifest.apiVersion)
    throw new Error(`${manifest.kind}: ${manifest.apiVersion}, but the schema is for ${type.GVK.apiVersion}`);
  return JSON.parse(
    JSON.stringify(
      type.manifest(wrapped(manifest, manifest.kind === 'NetworkPolicy' ? [...INT_OR_STRING, 'port'] : INT_OR_STRING)),
    ),
  );
}

const INT_OR_STRING = ['targetPort', 'maxSurge', 'maxUnavailable'];

/** The generated classes wrap values of type IntOrString and Quantity in objects. */
function wrapped(node: any, intOrString: string[], key = ''): any {
  if (intOrString.includes(key) && typeof node !== 'object') return { value: node };
  if (['requests', 'limits'].includes(key))
    return Object.fromEntries(Object.entries(node).map(([name, value]) => [name, { value }]));
  if (Array.isArray(node)) return node.map((item) => wrapped(item, intOrString));
  if (node === null || typeof node !== 'object') return node;
  return Object.fromEntries(Object.entries(node).map(([name, value]) => [name, wrapped(value, intOrString, name)]));
}
