import { Caller } from '../values/caller';
import { CertificateAuthority } from '../values/certificate-authority';
import { ClientCertificate } from '../values/client-certificate';

/** The oldest TLS version that an external host may negotiate. */
export enum TlsVersion {
  /**
   * TLS 1.2. Proxies negotiate TLS 1.3 with every host that offers it, but Istio has no setting to insist on it for
   * outgoing connections.
   */
  TLS_1_2 = 'TLSV1_2',
}

/** Options for `egress.originateTls`. */
export interface TlsOriginationOptions {
  /**
   * The hosts of the egress for which TLS is originated. At least one, none twice, no wildcards.
   *
   * @default - all hosts of the egress
   */
  readonly hosts?: string[];

  /**
   * The port on which the external host speaks TLS.
   *
   * @default - the TLS port that the egress declares; 443 if it declares none or several
   */
  readonly port?: number;

  /**
   * The authorities that the host's certificate is verified against. Not together with a client certificate from a
   * Secret, which contains its own authorities.
   *
   * @default - the public authorities in the proxy's image
   * @example
   * const partner = new SidecarEgress(chart, 'partner', { hosts: ['api.partner.com'] });
   * partner.originateTls('tls', { certificateAuthority: CertificateAuthority.fromConfigMap('partner-ca') });
   */
  readonly certificateAuthority?: CertificateAuthority;

  /**
   * The certificate to present to a host that requires one (mutual TLS). For a `GatewayEgress` it is held by the
   * gateway, for a `SidecarEgress` by the sidecars of `callers`.
   *
   * @default - none (simple TLS)
   */
  readonly clientCertificate?: ClientCertificate;

  /**
   * The callers whose sidecars present the client certificate. Required for a `SidecarEgress` with `clientCertificate`,
   * and not allowed otherwise. Their pod labels must be known (`Caller.workload`, or `podLabels`). Plain HTTP from all
   * other pods of the namespace is refused (503). Several originations for one host can give different callers
   * different certificates.
   *
   * A certificate from a Secret needs more than the Secret: istiod only delivers it to a sidecar whose service account
   * may list all Secrets of its namespace. The Role and RoleBinding for this are emitted too.
   *
   * @default - none
   * @example
   * const partner = new SidecarEgress(shop, 'partner', { hosts: ['api.partner.com'] });
   * partner.originateTls('tls', {
   *   callers: [Caller.workload(checkout)],
   *   clientCertificate: ClientCertificate.fromSecret('partner-client'),
   * });
   */
  readonly callers?: Caller[];

  /**
   * The server name in the TLS handshake (SNI). For a single host.
   *
   * @default - the host
   * @example
   * const partner = new SidecarEgress(chart, 'partner', { hosts: ['api.partner.com'] });
   * partner.originateTls('tls', { sni: 'edge.partner.com' }); // the certificate is checked for this name
   */
  readonly sni?: string;

  /**
   * The names of which the host's certificate must contain at least one. They are compared literally, so wildcards are
   * refused. At least one; for a single host.
   *
   * @default - the server name
   */
  readonly subjectAltNames?: string[];

  /**
   * The oldest TLS version that the host may negotiate.
   *
   * @default TlsVersion.TLS_1_2
   */
  readonly minimumVersion?: TlsVersion;
}
