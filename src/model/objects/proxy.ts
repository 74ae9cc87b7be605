/** A proxy, as far as its configuration depends on it. */
export interface ProxyIdentity {
  readonly namespace: string;
  readonly labels: Record<string, string>;
  readonly dnsCapture: boolean;
}
