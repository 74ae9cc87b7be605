/** The label that identifies the pods of an `EgressGateway`. By itself, since the model reads it and needs no cdk8s. */
export const GATEWAY_LABEL = 'cdk8s-istio-egress/gateway';
