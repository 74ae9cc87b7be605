/**
 * Refuses an amount of CPU or memory that Kubernetes would refuse, or that is zero.
 *
 * @see https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */
export function assertQuantity(value: string): string {
  if (!/^(\d+(\.\d+)?|\.\d+)(m|[kMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?$/.test(value) || /^[0.]+\D*$/.test(value)) {
    throw new Error(
      `"${value}" is not a valid amount for Kubernetes; write CPU as "500m" or "2", memory as "256Mi" or "1Gi"`,
    );
  }
  return value;
}
