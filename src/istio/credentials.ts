/** What the `credentialName` of TLS settings stands for. */
export interface CredentialPlace {
  readonly kind: 'Secret' | 'ConfigMap';
  readonly namespace: string;
  readonly name: string;
}

/** `name`, `namespace/name`, `kubernetes://…` or `configmap://…`; without a namespace it is in the proxy's own. */
export function credentialPlace(credentialName: string, ownNamespace: string): CredentialPlace {
  const [, scheme, namespace, name] = /^(?:(kubernetes|configmap):\/\/)?(?:([^/]*)\/)?(.*)$/.exec(credentialName)!;
  return { kind: scheme === 'configmap' ? 'ConfigMap' : 'Secret', namespace: namespace ?? ownNamespace, name };
}
