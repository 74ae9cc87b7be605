/** The classes of this library that other constructs take as values. */
export type Kind =
  | 'Caller'
  | 'CertificateAuthority'
  | 'ClientCertificate'
  | 'Egress'
  | 'EgressGateway'
  | 'EgressPort'
  | 'GatewayInstallation'
  | 'InstalledEgressGateway'
  | 'RegistryOnlyMesh';

/**
 * Marks an object as one of these classes. `instanceof` would not do: an app may hold two copies of this package, each
 * with classes of its own.
 */
export function brand(object: object, kind: Kind): void {
  Object.defineProperty(object, symbolOf(kind), { value: true });
}

/** Whether a value is of this class, from whichever copy of the package. */
export function isA(kind: Kind, value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && (value as Readonly<Record<symbol, unknown>>)[symbolOf(kind)] === true
  );
}

function symbolOf(kind: Kind): symbol {
  return Symbol.for(`cdk8s-istio-egress.${kind}`);
}
