import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { CertificateOwner } from './_origination';
import { callers, where } from './_settings';
import { Egress } from './egress';
import { isA } from '../values/brand';
import { Caller } from '../values/caller';
import { CertificateAuthority } from '../values/certificate-authority';
import { ClientCertificate } from '../values/client-certificate';
import { assertHostName } from '../values/host-name';
import { Problems } from '../values/problems';
import { Checked, list, oneOf, port, readProps, Readers, required, text, valueOf } from '../values/readers';

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
   */
  readonly callers?: Caller[];

  /**
   * The server name in the TLS handshake (SNI). For a single host.
   *
   * @default - the host
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

/** Properties for `TlsOrigination`. */
export interface TlsOriginationProps extends TlsOriginationOptions {
  /** The `SidecarEgress` or `GatewayEgress` for whose plain HTTP TLS is originated. */
  readonly egress: Egress;
}

const readersFor = (props: TlsOriginationProps): Readers<TlsOriginationProps> => ({
  egress: required(
    valueOf<Egress>('Egress', 'a SidecarEgress or GatewayEgress'),
    '; give a SidecarEgress or GatewayEgress',
  ),
  hosts: list(text('host name', 'api.example.com', assertHostOf(props?.egress)), '"api.example.com"', {
    empty: 'empty; leave it out for all hosts of the egress',
    unique: true,
  }),
  port: port(),
  certificateAuthority: valueOf<CertificateAuthority>('CertificateAuthority', (value) =>
    typeof value === 'string' && value.startsWith('/')
      ? `CertificateAuthority.fromFile('${value}')`
      : "one such as CertificateAuthority.fromConfigMap('partner-ca')",
  ),
  clientCertificate: valueOf<ClientCertificate>('ClientCertificate', (value) =>
    typeof value === 'string' && !value.includes('/')
      ? `ClientCertificate.fromSecret('${value}')`
      : "one such as ClientCertificate.fromSecret('partner-client')",
  ),
  callers: callers(),
  sni: text('host name', 'api.example.com', (value) => assertHostName(value)),
  subjectAltNames: list(text('name in a certificate', 'api.example.com', assertSubjectAltName), '"api.example.com"', {
    empty: 'empty, which would leave the name in the certificate unverified; name at least one',
  }),
  minimumVersion: oneOf('TlsVersion', TlsVersion),
});

/**
 * Originates TLS for plain HTTP from applications: at the sidecar for a `SidecarEgress`, at the gateway for a
 * `GatewayEgress`.
 *
 * The host's certificate and the name in it are always verified. TLS from the application still works and is passed
 * through. If the objects of this construct are missing, calls fail; they never leave in plaintext.
 *
 * @see https://istio.io/latest/docs/tasks/traffic-management/egress/egress-tls-origination/
 */
export class TlsOrigination extends Construct {
  /** The hosts for which TLS is originated. */
  public readonly hosts: string[];

  /** The DestinationRules that originate TLS. They are next to the other objects of the egress. */
  public readonly apiObjects: ApiObject[];

  constructor(scope: Construct, id: string, props: TlsOriginationProps) {
    super(scope, id);
    const problems = new Problems(where(this));
    const checked = readProps(props, readersFor(props), problems);
    const { egress, sni, subjectAltNames, clientCertificate: certificate } = checked;
    const authority = checked.certificateAuthority ?? CertificateAuthority.system();
    const named = checked.callers?.length ? checked.callers : undefined;
    const options = { ...checked, callers: named };
    this.hosts = checked.hosts ?? (problems.has('hosts') ? [] : (egress?.hosts ?? []));
    this.check(options, problems);
    egress?._checkOrigination(options as TlsOriginationOptions, problems);
    problems.throwIfAny();

    const secret = certificate?.secretName;
    const certificateOwners = certificateOwnersOf(named);
    if (named) this.node.addValidation({ validate: () => named.flatMap((caller) => caller._changed() ?? []) });
    this.apiObjects = this.hosts.flatMap((host) =>
      egress!._originate(host, this, {
        port: checked.port,
        sni: sni ?? host,
        subjectAltNames: subjectAltNames ?? [sni ?? host],
        caPath: secret === undefined ? authority.path : undefined,
        caConfigMap: authority.configMapName,
        clientSecret: secret,
        clientCertificatePath: certificate?.certificatePath,
        clientKeyPath: certificate?.privateKeyPath,
        certificateOwners,
      }),
    );
  }

  private check(props: Checked<TlsOriginationProps>, problems: Problems): void {
    const { egress, sni, subjectAltNames, certificateAuthority, clientCertificate } = props;
    const certificateOwners = certificateOwnersOf(props.callers);
    for (const host of this.hosts) {
      const other = egress?._originatorOf(host, { port: props.port, certificateOwners });
      if (other) problems.add(`hosts: TLS for "${host}" is originated by ${other}; keep one of the two`);
    }
    if (this.hosts.length > 1) {
      if (sni !== undefined)
        problems.add(
          `sni: "${sni}" cannot be the server name of ${this.hosts.length} hosts; write one TlsOrigination for ` +
            'each host',
        );
      if (subjectAltNames !== undefined)
        problems.add(
          `subjectAltNames: each of ${this.hosts.length} hosts would be accepted under the names of the others; ` +
            'write one TlsOrigination for each host',
        );
    }
    if (clientCertificate?.secretName !== undefined && certificateAuthority) {
      problems.add(
        'certificateAuthority: not together with the client certificate from Secret ' +
          `"${clientCertificate.secretName}", of which only \`ca.crt\` is used; put the authorities there`,
      );
    }
    if (clientCertificate?.certificatePath !== undefined && certificateAuthority?.configMapName !== undefined) {
      problems.add(
        `certificateAuthority: Istio does not accept a ConfigMap ("${certificateAuthority.configMapName}") together ` +
          'with a client certificate from files; use CertificateAuthority.fromFile',
      );
    }
  }
}

/** Refuses hosts that the egress does not declare. */
function assertHostOf(egress: Egress): (host: string) => void {
  return (host) => {
    if (isA('Egress', egress) && !egress.hosts.includes(host))
      throw new Error(
        `"${host}" is not a host of [${egress.node.path}] (${egress.hosts.join(', ')}); declare it there first`,
      );
  };
}

/**
 * Istio compares names literally, so a pattern would only match itself. A certificate for `*.example.com` matches every
 * name that it covers.
 */
function assertSubjectAltName(name: string): string {
  if (name === '' || /\s/.test(name))
    throw new Error(`"${name}" is not a valid name in a certificate; write the host, such as "api.example.com"`);
  if (name.includes('*'))
    throw new Error(
      `"${name}" is a pattern, but names are compared literally; write the host, which also matches a wildcard ` +
        'certificate that covers it',
    );
  return name;
}

/** Callers that cannot hold a certificate are reported elsewhere. */
function certificateOwnersOf(named: Caller[] | undefined): CertificateOwner[] | undefined {
  return named
    ?.map(({ serviceAccountName = '', podLabels = {} }) => ({ serviceAccountName, podLabels }))
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}
