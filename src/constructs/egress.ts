import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { callers, where } from './_readers';
import { TlsOriginationOptions, TlsVersion } from './tls-origination-options';
import { acknowledge } from '../declarations/acknowledgements';
import { CertificateOwner, OriginationScope, OriginationSettings } from '../declarations/origination';
import { validate } from '../emission/validation';
import { brand, isA } from '../values/brand';
import { Caller } from '../values/caller';
import { CertificateAuthority } from '../values/certificate-authority';
import { ClientCertificate } from '../values/client-certificate';
import { assertHostName } from '../values/host-name';
import { Problems } from '../values/problems';
import { Checked, list, oneOf, port, readProps, Readers, required, text, valueOf } from '../values/readers';

/**
 * External hosts that can be reached from the mesh: a `SidecarEgress` or a `GatewayEgress`.
 */
export abstract class Egress extends Construct {
  /**
   * Accepts findings of a rule that stop synth, or that `lint` and `LintPlugin` would report: those that involve an
   * object of the construct or of one below it. The reason is written into one object of each finding, as an annotation
   * that `lint` reads.
   *
   * Synth stops if there is no such finding (any more).
   *
   * @param scope where the finding is reported, or a construct around it, such as a chart
   * @param code the rule's code, such as `wildcard-beside-host`
   * @param reason why the finding is accepted
   */
  public static acknowledge(scope: Construct, code: string, reason: string): void {
    const problems = new Problems(`[${scope.node.path}]: acknowledge`);
    if (!/^[a-z]+(-[a-z]+)+$/.test(code))
      problems.add(`code: "${code}" is not the code of a rule, such as "wildcard-beside-host"`);
    if (typeof reason !== 'string' || reason.trim() === '')
      problems.add('reason: missing; say why the finding is accepted, for those who read the manifests');
    problems.throwIfAny();
    acknowledge({ scope, code, reason });
    validate(scope);
  }

  /** The external hosts. */
  public abstract readonly hosts: string[];

  /** All objects for these hosts so far, in the order in which they can be applied. */
  public abstract readonly apiObjects: ApiObject[];

  constructor(scope: Construct, id: string) {
    super(scope, id);
    brand(this, 'Egress');
  }

  /**
   * Originates TLS for plain HTTP to some or all of the hosts. The same as `new TlsOrigination(this, id, { egress:
   * this, ...options })`.
   *
   * @param id the id of the new construct
   * @param options the hosts, and the certificates on both sides; all hosts and public authorities by default
   * @example
   * new SidecarEgress(chart, 'sites', { hosts: ['www.example.com'] }).originateTls('tls');
   */
  public originateTls(id: string, options: TlsOriginationOptions = {}): TlsOrigination {
    const given: unknown = options ?? {};
    const props = typeof given === 'object' && !Array.isArray(given) ? { ...given, egress: this } : given;
    return new TlsOrigination(this, id, props as TlsOriginationProps);
  }

  /**
   * Reports what this kind of egress cannot do for a TLS origination.
   *
   * @internal
   */
  public abstract _checkOrigination(options: TlsOriginationOptions, problems: Problems): void;

  /**
   * What already originates TLS for a host, and conflicts with one more origination.
   *
   * @internal
   */
  public abstract _originatorOf(host: string, wanted: OriginationScope): string | undefined;

  /**
   * Originates TLS for a host. Returns the DestinationRules.
   *
   * @internal
   */
  public abstract _originate(host: string, by: TlsOrigination, settings: OriginationSettings): ApiObject[];
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
  sni: text('host name', 'api.example.com', (value) => assertHostName(value, { internal: true })),
  subjectAltNames: list(text('name in a certificate', 'api.example.com', assertSubjectAltName), '"api.example.com"', {
    empty: 'empty, which would leave the name in the certificate unverified; name at least one',
  }),
  minimumVersion: oneOf('TlsVersion', TlsVersion),
});

/**
 * Originates TLS for plain HTTP from applications: at the sidecar for a `SidecarEgress`, at the gateway for a
 * `GatewayEgress`.
 *
 * The host's certificate and the name in it are verified in every full handshake. TLS from the application still works
 * and is passed through. If the objects of this construct are missing, calls fail; they never leave in plaintext.
 *
 * @example
 * const sites = new SidecarEgress(chart, 'sites', { hosts: ['www.example.com', 'api.example.com'] });
 * new TlsOrigination(chart, 'tls', { egress: sites, hosts: ['www.example.com'] }); // for one of the hosts
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
