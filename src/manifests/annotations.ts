/** Says of an object of this library which constructs it comes from: their paths, separated by commas. */
export const CONSTRUCTS = 'cdk8s-istio-egress/constructs';

/** Begins the annotation with which an object accepts a finding about it; the code follows, the value is the reason. */
export const ACKNOWLEDGE = 'cdk8s-istio-egress/acknowledge-';
