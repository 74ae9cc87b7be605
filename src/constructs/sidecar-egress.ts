import { isIP } from 'net';
import { ApiObject, Chart } from 'cdk8s';
import { Construct } from 'constructs';
import { readIstioVersion, readNamespace, readOwner, where } from './_readers';
import { checkOriginationPorts, commonReaders, readAddresses, readSettings } from './_settings';
import { Egress, TlsOrigination } from './egress';
import { CommonEgressProps } from './egress-props';
import { TlsOriginationOptions } from './tls-origination-options';
import { OriginationScope, OriginationSettings } from '../declarations/origination';
import { EgressPathSettings, SidecarEgressPathSettings } from '../declarations/settings';
import { SidecarEgressPath } from '../declarations/sidecar-egress-path';
import { Emission, rulesFirst } from '../emission/emission';
import { validate } from '../emission/validation';
import { originatingRules, sidecarEgress } from '../recipes/sidecar';
import { isHttp2, isOpaque } from '../istio/protocols';
import { Caller } from '../values/caller';
import { assertHostName, assertHostPattern, INTERNAL_CURE, isWildcardHost } from '../values/host-name';
import { internalMeaning } from '../values/internal-host';
import { refuseMapped } from '../values/ip-range';
import { Problems } from '../values/problems';
import { addresses, Checked, flag, list, namespaceName, oneOf, readProps, Readers, text } from '../values/readers';
import { EgressResolution } from '../values/traffic-options';

/** Properties for `SidecarEgress`. */
export interface SidecarEgressProps extends CommonEgressProps {
  /**
   * The namespace whose workloads may call the hosts. Nothing is visible to other namespaces.
   *
   * @default - the namespace of the chart
   */
  readonly namespace?: string;

  /**
   * How the sidecar learns the hosts' addresses.
   *
   * @default EgressResolution.DNS, or EgressResolution.STATIC if all `endpoints` are IP addresses
   */
  readonly resolution?: EgressResolution;

  /**
   * The IP addresses that applications dial; with resolution STATIC also address ranges. For a single host. TCP ports
   * need them, or `dnsCapture`, because nothing else in a TCP connection identifies the host.
   *
   * @default - any: HTTP and TLS are routed by name
   */
  readonly addresses?: string[];

  /**
   * Allows wildcards over shared domains, below which anyone can register a name, such as `*.github.io`. Callers can
   * then reach every tenant there, including an attacker. Recorded on the objects as the annotation
   * `cdk8s-istio-egress/unsafe`. Only with a wildcard host.
   *
   * @default false
   */
  readonly unsafeSharedDomains?: boolean;

  /**
   * Where the host really is: IP addresses, or host names that the sidecar resolves. For a single host.
   *
   * @default - the addresses that DNS returns for the host
   */
  readonly endpoints?: string[];
}

/**
 * External hosts that the workloads of one namespace reach directly from their sidecars.
 *
 * All workloads of the namespace may call them; a `GatewayEgress` restricts a host to named callers. The proxy decides
 * which address is dialled, not the caller. Headers that proxies add to requests are removed.
 *
 * @example
 * const sites = new SidecarEgress(chart, 'sites', { hosts: ['www.example.com'] });
 * sites.originateTls('tls'); // http:// leaves the pod as TLS
 * @see https://istio.io/latest/docs/tasks/traffic-management/egress/egress-control/
 */
export class SidecarEgress extends Egress {
  /** The external hosts. */
  public readonly hosts: string[];

  /** The namespace whose workloads may call the hosts. */
  public readonly namespace: string;

  private readonly egressPaths = new Map<string, { path: SidecarEgressPath; emission: Emission }>();
  private readonly settings: SidecarEgressPathSettings;

  constructor(scope: Construct, id: string, props: SidecarEgressProps) {
    super(scope, id);
    const problems = new Problems(where(this));
    const checked = readProps(props, readersFor(props), problems);
    this.hosts = checked.hosts ?? [];
    const cure = 'give `namespace` here or to the chart';
    this.namespace = readNamespace(this, checked.namespace, cure, problems) ?? '';
    const common = readSettings(checked, this.hosts, checked.endpoints ?? [], undefined, problems);
    this.settings = this.readOwnSettings(checked, common, problems);
    this.checkWildcards(checked, problems);
    const owner = readOwner(this, checked.owner ?? Chart.of(this).namespace ?? checked.namespace, problems);
    problems.throwIfAny();

    validate(this);
    const places = { caller: rulesFirst(this) };
    for (const host of this.hosts) {
      const path = SidecarEgressPath.of(this, this.namespace, host);
      path.declare(this, owner, this.settings);
      const emission = Emission.of(path, () => new Emission(this, places, () => sidecarEgress(path), path)).update();
      this.egressPaths.set(host, { path, emission });
    }
  }

  /** All objects for these hosts so far. */
  public get apiObjects(): ApiObject[] {
    return [...this.egressPaths.values()].flatMap(({ emission }) => emission.objects());
  }

  /** @internal */
  public _checkOrigination(options: TlsOriginationOptions, problems: Problems): void {
    const wildcards = (options.hosts ?? this.hosts).filter(isWildcardHost);
    if (wildcards.length > 0) {
      problems.add(
        `hosts: TLS for ${wildcards.join(', ')} cannot be originated in a way that fails closed. Istio builds no ` +
          'subsets for hosts that are resolved at the time of the request, so plaintext would leave whenever the ' +
          'originating rule is missing; name the hosts one by one, or let the application use TLS (EgressPort.tls)',
      );
    }
    checkOriginationPorts(this.node.path, this.settings.ports, options.port, problems);
    const { clientCertificate } = options;
    if (!clientCertificate) {
      if (options.callers)
        problems.add(
          'callers: only decide who presents a client certificate, and there is none; leave `callers` out to ' +
            'originate TLS for the whole namespace',
        );
      return;
    }
    if (!options.callers && !problems.has('callers')) {
      problems.add(
        'callers: none given, but only named workloads can hold a certificate at the sidecar (for all others Istio ' +
          'would ignore it and send plaintext); name them, such as Caller.workload(deployment), or originate TLS at ' +
          'a gateway with GatewayEgress',
      );
    }
    options.callers?.forEach((caller, index) => this.checkCertificateOwner(caller, problems, `callers[${index}]`));
  }

  /** @internal */
  public _originatorOf(host: string, wanted: OriginationScope): string | undefined {
    return this.egressPaths.get(host)?.path.originatorFor(this, wanted);
  }

  /** @internal */
  public _originate(host: string, by: TlsOrigination, settings: OriginationSettings): ApiObject[] {
    const { path, emission } = this.egressPaths.get(host)!;
    path.declareOrigination(this, by, settings);
    emission.update();
    return emission.objectsOf('caller', originatingRules(path, settings));
  }

  /**
   * A rule at the sidecar selects pods by label, in its own namespace; the Secret is read with their service account.
   */
  private checkCertificateOwner(caller: Caller, problems: Problems, prop: string): void {
    if (caller.serviceAccountName === undefined) {
      problems.add(
        `${prop}: the whole namespace ${caller.namespace} cannot hold a certificate at the sidecar, since Istio ` +
          'needs labels that select the pods; name the workloads',
      );
    } else if (!caller.podLabels) {
      problems.add(
        `${prop}: ${caller._title} has no pod labels, by which Istio selects the pods that present the certificate; ` +
          `write Caller.workload(deployment), or Caller.serviceAccount("${caller.namespace}", ` +
          `"${caller.serviceAccountName}", { podLabels: { app: "…" } })`,
      );
    }
    if (caller.namespace !== this.namespace) {
      problems.add(
        `${prop}: ${caller._title} is not in namespace "${this.namespace}", the only one that [${this.node.path}] is ` +
          `for; write a SidecarEgress for ${caller.namespace}`,
      );
    }
  }

  /** Wildcards are resolved at the time of the request, by the name in it. */
  private checkWildcards(props: Checked<SidecarEgressProps>, problems: Problems): void {
    const version = readIstioVersion(this, props.istioVersion, problems);
    const wildcards = this.hosts.filter(isWildcardHost);
    if (wildcards.length === 0) {
      // Not harmless: it would silently allow a wildcard that is added later.
      if (props.unsafeSharedDomains && !problems.has('hosts'))
        problems.add('unsafeSharedDomains: only applies to wildcard hosts, and there is none; leave it out');
      return;
    }
    problems.check(`hosts: ${wildcards.join(', ')}`, () => version.require('wildcardsAtSidecar'));
    for (const prop of ['addresses', 'endpoints', 'resolution', 'loadBalancing', 'outlierDetection'] as const) {
      const given = props[prop];
      if (given !== undefined && !(Array.isArray(given) && given.length === 0))
        problems.add(
          `${prop}: not for ${wildcards.join(', ')}, whose addresses are resolved by the name in each request; leave ` +
            'it out, or name the hosts',
        );
    }
    const tcp = this.settings.ports.filter((port) => isOpaque(port.protocol)).map((port) => port.name);
    if (tcp.length > 0)
      problems.add(
        `ports: connections on ${tcp.join(', ')} carry no name by which ${wildcards.join(', ')} could be resolved; ` +
          'name the host and give its `addresses`',
      );
    // Envoy takes no cluster of this kind that has options of HTTP without TLS.
    const rejected = `: Envoy rejects it for ${wildcards.join(', ')}, and calls would fail; `;
    const http2 = this.settings.ports.filter((port) => isHttp2(port.protocol)).map((port) => port.name);
    if (http2.length > 0)
      problems.add(
        `ports (${http2.join(', ')})${rejected}declare HTTP/1.1 or the application's own TLS, or name the hosts`,
      );
    for (const field of ['idleTimeout', 'maxRequestsPerConnection'] as const)
      if (props.connectionPool?.[field] !== undefined)
        problems.add(`connectionPool.${field}${rejected}leave it out, or name the hosts`);
  }

  private readOwnSettings(
    props: Checked<SidecarEgressProps>,
    common: EgressPathSettings,
    problems: Problems,
  ): SidecarEgressPathSettings {
    const endpoints = props.endpoints?.length ? props.endpoints : undefined;
    const resolution = resolutionOf(props) ?? EgressResolution.DNS;
    if (endpoints && this.hosts.length > 1)
      problems.add(`endpoints: ${this.hosts.length} hosts cannot share them; write one SidecarEgress for each host`);
    const dialled = readAddresses(this.hosts, common.ports, props, problems);
    if (resolution === EgressResolution.STATIC && !endpoints && !problems.has('endpoints'))
      problems.add(
        'resolution: STATIC without `endpoints` has no address to connect to; give the IP addresses of the host',
      );
    if (resolution === EgressResolution.DNS_ROUND_ROBIN && (endpoints?.length ?? 0) > 1)
      problems.add('endpoints: DNS_ROUND_ROBIN allows only one; use EgressResolution.DNS for several');
    const unsafeSharedDomains = props.unsafeSharedDomains ?? false;
    return { ...common, resolution, addresses: dialled, endpoints, unsafeSharedDomains };
  }
}

function isAddress(value: unknown): boolean {
  return typeof value === 'string' && isIP(value) !== 0;
}

/** The resolution that was asked for, also of props that have not been checked yet. */
function resolutionOf(props: Partial<SidecarEgressProps> | undefined): EgressResolution | undefined {
  if (props?.resolution) return props.resolution;
  const endpoints: unknown = props?.endpoints;
  const numeric = Array.isArray(endpoints) && endpoints.length > 0 && endpoints.every(isAddress);
  return numeric ? EgressResolution.STATIC : undefined;
}

function readersFor(props: SidecarEgressProps): Readers<SidecarEgressProps> {
  const fixed = resolutionOf(props) === EgressResolution.STATIC;
  const assertEndpoint = (endpoint: string) => {
    const internal = props.unsafeInternalHosts === true;
    if (isAddress(endpoint)) {
      refuseMapped(endpoint);
      const inside = internal ? undefined : internalMeaning(endpoint);
      if (inside !== undefined) throw new Error(`"${endpoint}" ${inside}; ${INTERNAL_CURE}`);
      return;
    }
    if (fixed)
      throw new Error(
        `"${endpoint}" is not an IP address, which resolution STATIC requires; leave \`resolution\` out to have the ` +
          'name resolved',
      );
    assertHostName(endpoint, { internal });
  };
  return {
    ...commonReaders((host) =>
      assertHostPattern(host, props.unsafeSharedDomains === true, props.unsafeInternalHosts === true),
    ),
    namespace: namespaceName,
    resolution: oneOf('EgressResolution', EgressResolution),
    addresses: addresses(fixed),
    unsafeSharedDomains: flag,
    endpoints: list(text('endpoint', '203.0.113.10', assertEndpoint), '"203.0.113.10"', { unique: true }),
  };
}
