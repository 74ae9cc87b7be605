/** The label that identifies the pods of an `EgressGateway`. */
export const GATEWAY_LABEL = 'cdk8s-istio-egress/gateway';
