/** Says of an object of this library which constructs it comes from: their paths, separated by commas. */
export const CONSTRUCTS = 'cdk8s-istio-egress/constructs';
