/** Begins the annotation with which an object accepts a finding about it; the code follows, the value is the reason. */
export const ACKNOWLEDGE = 'cdk8s-istio-egress/acknowledge-';
