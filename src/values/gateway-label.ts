import { keyOf, objectName } from './names';

/** The label that identifies the pods of an `EgressGateway`. By itself, since the model reads it and needs no cdk8s. */
export const GATEWAY_LABEL = 'cdk8s-istio-egress/gateway';

/** Its value. The namespace is part of it, since a Gateway object selects pods in every namespace. */
export function gatewayLabel(name: string, namespace: string): string {
  const readable = `${name}.${namespace}`;
  return readable.length <= 63 ? readable : objectName(name, keyOf('egress-gateway', namespace, name));
}
