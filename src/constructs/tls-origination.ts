import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { CertificateOwner } from './_origination';
import { where } from './_settings';
import { Egress } from './egress';
import { Caller } from '../values/caller';
import { CertificateAuthority } from '../values/certificate-authority';
import { ClientCertificate } from '../values/client-certificate';
import { assertHostName } from '../values/host-name';
import { assertPortNumber } from '../values/ip-range';
import { Problems } from '../values/problems';

/** The oldest TLS version that an external host may choose. */
export enum TlsVersion {
  /** TLS 1.2, which is also what Istio itself insists on. */
  TLS_1_2 = 'TLSV1_2',
  /** TLS 1.3. Istio has no setting for it on outgoing connections, so it is refused for now. */
  TLS_1_3 = 'TLSV1_3',
}

/** Options for `egress.originateTls`. */
export interface TlsOriginationOptions {
  /**
   * Which of the egress's hosts.
   *
   * @default - all of them
   */
  readonly hosts?: string[];

  /**
   * The port of the external host that speaks TLS.
   *
   * @default - the TLS port that the egress declares, 443 if it declares none or several
   */
  readonly port?: number;

  /**
   * Who vouches for the host's certificate. Not together with a client certificate from a Secret, which brings its own
   * authorities.
   *
   * @default - the public authorities that the proxy's image carries
   */
  readonly certificateAuthority?: CertificateAuthority;

  /**
   * The certificate to show to a host that demands one (mutual TLS). For a `GatewayEgress` it lies with the gateway,
   * for a `SidecarEgress` with the sidecars of `callers`.
   *
   * @default - none (simple TLS)
   */
  readonly clientCertificate?: ClientCertificate;

  /**
   * Whose sidecars show the client certificate, known by the labels of their pods. For a `SidecarEgress` with
   * `clientCertificate` only, and mandatory there. All other pods of the namespace are refused on plain HTTP (503);
   * several originations for one host may give different callers different certificates.
   *
   * A certificate from a Secret needs more than the Secret: istiod hands it to a sidecar only if its service account
   * may list the Secrets of its namespace, all of them. The Role and the RoleBinding are emitted too.
   *
   * @default - none
   */
  readonly callers?: Caller[];

  /**
   * The server name to ask for (SNI). For one host only.
   *
   * @default - the host
   */
  readonly sni?: string;

  /**
   * The names of which the host's certificate must carry one. For one host only.
   *
   * @default - the server name that is asked for
   */
  readonly subjectAltNames?: string[];

  /**
   * The oldest TLS version that the host may choose.
   *
   * @default TlsVersion.TLS_1_2
   */
  readonly minimumVersion?: TlsVersion;
}

/** Properties for `TlsOrigination`. */
export interface TlsOriginationProps extends TlsOriginationOptions {
  /** The `SidecarEgress` or `GatewayEgress` whose plain HTTP leaves as TLS. */
  readonly egress: Egress;
}

/**
 * Plain HTTP from the application leaves as TLS: from the sidecar for a `SidecarEgress`, from the gateway for a
 * `GatewayEgress`.
 *
 * The host's certificate and the name in it are always verified. The application's own HTTPS keeps working and stays
 * untouched. Without the rules of this construct the calls fail; they never leave in plaintext.
 *
 * @see https://istio.io/latest/docs/tasks/traffic-management/egress/egress-tls-origination/
 */
export class TlsOrigination extends Construct {
  /** The hosts whose plain HTTP leaves as TLS. */
  public readonly hosts: string[];

  /** The DestinationRules that originate TLS; they stand with the other objects of the egress. */
  public readonly apiObjects: ApiObject[];

  constructor(scope: Construct, id: string, props: TlsOriginationProps) {
    super(scope, id);
    this.hosts = props.hosts ?? props.egress.hosts;

    const problems = new Problems(where(this));
    this.check(props, problems);
    props.egress._checkOrigination(props, problems);
    problems.throwIfAny();

    const secret = props.clientCertificate?.secretName;
    const authority = props.certificateAuthority ?? CertificateAuthority.system();
    const certificateOwners = certificateOwnersOf(props);
    if (props.callers)
      this.node.addValidation({ validate: () => props.callers!.flatMap((caller) => caller._changed() ?? []) });
    this.apiObjects = this.hosts.flatMap((host) => {
      const sni = props.sni ?? host;
      return props.egress._originate(host, this, {
        port: props.port,
        sni,
        subjectAltNames: props.subjectAltNames ?? [sni],
        caPath: secret === undefined ? authority.path : undefined,
        caConfigMap: authority.configMapName,
        clientSecret: secret,
        clientCertificatePath: props.clientCertificate?.certificatePath,
        clientKeyPath: props.clientCertificate?.privateKeyPath,
        certificateOwners,
      });
    });
  }

  private check(props: TlsOriginationProps, problems: Problems): void {
    const { hosts, egress, sni, subjectAltNames, certificateAuthority, clientCertificate } = props;
    if (hosts?.length === 0) problems.add('hosts: none given; leave `hosts` out for all hosts of the egress');
    const declared = new Set(egress.hosts);
    const seen = new Set<string>();
    hosts?.forEach((host, index) => {
      if (seen.has(host)) problems.add(`hosts[${index}]: "${host}" is there twice; name it once`);
      seen.add(host);
      if (!declared.has(host))
        problems.add(
          `hosts[${index}]: "${host}" is none of the hosts of [${egress.node.path}] ` +
            `(${egress.hosts.join(', ')}); declare it there first`,
        );
    });
    for (const host of new Set(this.hosts)) {
      const other = egress._originatorOf(host, { port: props.port, certificateOwners: certificateOwnersOf(props) });
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
          `subjectAltNames: ${this.hosts.length} hosts would be let in by each other's names; write one ` +
            'TlsOrigination for each host',
        );
    }
    if (sni !== undefined) problems.check('sni', () => assertHostName(sni));
    if (subjectAltNames?.length === 0)
      problems.add(
        'subjectAltNames: empty, which would leave the name of the certificate unverified; name at least one',
      );
    subjectAltNames?.forEach((name, index) =>
      problems.check(`subjectAltNames[${index}]`, () => assertSubjectAltName(name)),
    );
    if (props.port !== undefined) problems.check('port', () => assertPortNumber(props.port!));
    if (clientCertificate?.secretName !== undefined && certificateAuthority) {
      problems.add(
        'certificateAuthority: not together with the client certificate from Secret ' +
          `"${clientCertificate.secretName}", whose \`ca.crt\` alone is used; put the authorities there`,
      );
    }
    if (clientCertificate?.certificatePath !== undefined && certificateAuthority?.configMapName !== undefined) {
      problems.add(
        `certificateAuthority: Istio takes no ConfigMap ("${certificateAuthority.configMapName}") beside a ` +
          'client certificate from files; use CertificateAuthority.fromFile',
      );
    }
    if (props.minimumVersion === TlsVersion.TLS_1_3) {
      problems.add(
        'minimumVersion: Istio has no setting for outgoing connections beyond TLS 1.2 (ClientTLSSettings, ' +
          '1.31), so TLS 1.3 could not be promised; ' +
          'leave it out: TLS 1.3 is used wherever the host offers it',
      );
    }
  }
}

/**
 * Names are compared letter by letter, so a pattern would match nothing but itself; a certificate for `*.example.com`
 * matches any name it covers.
 */
function assertSubjectAltName(name: string): string {
  if (typeof name !== 'string' || name === '' || /\s/.test(name))
    throw new Error(`${JSON.stringify(name)} is no name in a certificate; write the host, such as "api.example.com"`);
  if (name.includes('*'))
    throw new Error(
      `"${name}" is a pattern, and names are compared as they are; write the host: a certificate for a ` +
        'wildcard is accepted for the hosts it covers',
    );
  return name;
}

/** Callers that cannot hold a certificate are reported elsewhere. */
function certificateOwnersOf({ callers }: TlsOriginationOptions): CertificateOwner[] | undefined {
  return callers
    ?.map(({ serviceAccountName = '', podLabels = {} }) => ({ serviceAccountName, podLabels }))
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}
