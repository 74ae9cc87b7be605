/** Says which host an object is for, where it is for one. */
export const HOST_ANNOTATION = 'cdk8s-istio-egress/host';
