import { isIP } from 'net';
import { ApiObject, Chart } from 'cdk8s';
import { Construct } from 'constructs';
import { AppScope } from './_app-scope';
import { checkOriginationPorts, OriginationScope, OriginationSettings } from './_origination';
import {
  readAddresses,
  readCallers,
  readHosts,
  readIstioVersion,
  readOwner,
  readSettings,
  where,
  EgressPathSettings,
} from './_settings';
import { SidecarEgressPath, SidecarEgressPathSettings } from './_sidecar-egress-path';
import { CommonEgressProps, Egress } from './egress';
import { TlsOrigination, TlsOriginationOptions } from './tls-origination';
import { Caller } from '../values/caller';
import { EgressProtocol } from '../values/egress-port';
import { assertHostName, assertHostPattern, isWildcardHost } from '../values/host-name';
import { assertDnsLabel } from '../values/names';
import { Problems } from '../values/problems';
import { EgressResolution } from '../values/traffic-options';

/** Properties for `SidecarEgress`. */
export interface SidecarEgressProps extends CommonEgressProps {
  /**
   * The namespace whose workloads may call the hosts. Nothing is visible in any other.
   *
   * @default - the namespace of the chart
   */
  readonly namespace?: string;

  /**
   * How the sidecar learns the hosts' addresses.
   *
   * @default EgressResolution.DNS, or EgressResolution.STATIC when `endpoints` are IP addresses
   */
  readonly resolution?: EgressResolution;

  /**
   * The IP addresses that applications dial; with resolution STATIC address ranges too. For one host only.
   * TCP ports need them, or `dnsCapture`: nothing else in a TCP connection says which host is meant.
   *
   * @default - any: HTTP and TLS find their way by name
   */
  readonly addresses?: string[];

  /**
   * Allows wildcards over domains below which anybody can get a name, such as `*.github.io`: callers may then reach
   * whoever has one, an attacker too. Written on the objects as the annotation `cdk8s-istio-egress/unsafe`.
   *
   * @default false
   */
  readonly unsafeSharedDomains?: boolean;

  /**
   * Where the host really is: IP addresses, or names for the sidecar to look up. For one host only.
   *
   * @default - what DNS says about the host
   */
  readonly endpoints?: string[];
}

/**
 * External hosts that the workloads of one namespace reach straight from their sidecars.
 *
 * Every workload of the namespace may call them; who may call what is enforced by name at a `GatewayEgress`.
 * The proxy decides which address is dialled, not the caller; what proxies add to requests does not reach the host.
 *
 * @see https://istio.io/latest/docs/tasks/traffic-management/egress/egress-control/
 */
export class SidecarEgress extends Egress {
  /** The external hosts. */
  public readonly hosts: string[];

  /** The namespace whose workloads may call the hosts. */
  public readonly namespace: string;

  private readonly egressPaths = new Map<string, SidecarEgressPath>();
  private readonly settings: SidecarEgressPathSettings;

  constructor(scope: Construct, id: string, props: SidecarEgressProps) {
    super(scope, id);
    const problems = new Problems(where(this));
    this.hosts = readHosts(props.hosts, problems, (host) =>
      assertHostPattern(host, props.unsafeSharedDomains ?? false),
    );
    this.namespace = this.readNamespace(props, problems);
    this.settings = this.readOwnSettings(props, readSettings(props, problems), problems);
    this.checkWildcards(props, problems);
    const owner = readOwner(this, props.owner ?? Chart.of(this).namespace ?? props.namespace, problems);
    problems.throwIfAny();

    const app = AppScope.of(this);
    app.validate(this);
    const rules = new Construct(this, 'rules');
    for (const host of this.hosts) {
      const egressPath = SidecarEgressPath.of(app, this.namespace, host);
      this.egressPaths.set(host, egressPath);
      if (egressPath.declare(this, owner, this.settings)) egressPath.emit(this, rules, owner);
    }
  }

  /** Every object made so far for these hosts. */
  public get apiObjects(): ApiObject[] {
    return [...this.egressPaths.values()].flatMap((egressPath) => egressPath.apiObjects);
  }

  /** @internal */
  public _checkOrigination(options: TlsOriginationOptions, problems: Problems): void {
    const wildcards = (options.hosts ?? this.hosts).filter(isWildcardHost);
    if (wildcards.length > 0) {
      problems.add(
        `hosts: TLS for ${wildcards.join(', ')} cannot be originated so that it fails closed. Istio builds no ` +
          'subsets for hosts that are resolved when they are asked for, ' +
          'so nothing would stop plaintext while the rule that originates is missing; name the hosts one by ' +
          'one, or let the application speak TLS itself (EgressPort.tls)',
      );
    }
    checkOriginationPorts(this.node.path, this.settings.ports, options.port, problems);
    const { clientCertificate, callers } = options;
    if (!clientCertificate) {
      if (callers)
        problems.add(
          'callers: only a client certificate is shown by some callers and not by others; leave `callers` out, ' +
            'and plain HTTP of the whole namespace leaves as TLS',
        );
      return;
    }
    if (!callers || callers.length === 0) {
      problems.add(
        'callers: none given, but a certificate at the sidecar is held by named workloads only (for all others ' +
          'Istio would ignore it and send clear text); ' +
          'name them, such as Caller.workload(deployment), or originate TLS at a gateway with GatewayEgress',
      );
    }
    readCallers(callers, problems).forEach((caller, index) =>
      this.checkCertificateOwner(caller, problems, `callers[${index}]`),
    );
  }

  /** @internal */
  public _originatorOf(host: string, wanted: OriginationScope): string | undefined {
    return this.egressPaths.get(host)?.originatorFor(this, wanted);
  }

  /** @internal */
  public _originate(host: string, by: TlsOrigination, settings: OriginationSettings): ApiObject[] {
    const egressPath = this.egressPaths.get(host)!;
    egressPath.declareOrigination(this, by, settings);
    return egressPath.originate(settings);
  }

  /**
   * A rule at the sidecar is for pods that it selects by label, in its own namespace; the Secret is for their service
   * account.
   */
  private checkCertificateOwner(caller: Caller, problems: Problems, prop: string): void {
    if (caller.serviceAccountName === undefined) {
      problems.add(
        `${prop}: the whole namespace ${caller.namespace} cannot hold a certificate at the sidecar: Istio ` +
          'needs labels that select the pods; name the workloads',
      );
    } else if (!caller.podLabels) {
      problems.add(
        `${prop}: ${caller._title} comes without the labels of its pods, by which Istio selects who shows the ` +
          'certificate; ' +
          `write Caller.workload(deployment), or Caller.serviceAccount("${caller.namespace}", ` +
          `"${caller.serviceAccountName}", { podLabels: { app: "…" } })`,
      );
    }
    if (caller.namespace !== this.namespace) {
      problems.add(
        `${prop}: ${caller._title} is not in namespace "${this.namespace}", for which [${this.node.path}] ` +
          `opens its hosts; write a SidecarEgress for ${caller.namespace}`,
      );
    }
  }

  private readNamespace(props: SidecarEgressProps, problems: Problems): string {
    const namespace = props.namespace ?? Chart.of(this).namespace;
    if (namespace === undefined) {
      problems.add(
        'namespace: none given, and the chart has none; give `namespace` here or to the chart, so that the ' +
          'hosts open for it and for no other',
      );
      return '';
    }
    problems.check('namespace', () => assertDnsLabel(namespace, 'namespace'));
    return namespace;
  }

  /** Names that are looked up when they are asked for: by the name in the request, whoever answers for it. */
  private checkWildcards(props: SidecarEgressProps, problems: Problems): void {
    const version = readIstioVersion(this, props.istioVersion, problems);
    const wildcards = this.hosts.filter(isWildcardHost);
    if (wildcards.length === 0) {
      if (props.unsafeSharedDomains !== undefined)
        problems.add('unsafeSharedDomains: only wildcard hosts need it, and there is none; leave it out');
      return;
    }
    problems.check(`hosts: ${wildcards.join(', ')}`, () => version.require('wildcardsAtSidecar'));
    for (const prop of [
      'addresses',
      'endpoints',
      'resolution',
      'dnsCapture',
      'loadBalancing',
      'outlierDetection',
    ] as const) {
      if (props[prop] !== undefined)
        problems.add(
          `${prop}: not for ${wildcards.join(', ')}, whose addresses are looked up by the name in each ` +
            'request; leave it out, or name the hosts',
        );
    }
    const tcp = this.settings.ports.filter((port) => port.protocol === EgressProtocol.TCP).map((port) => port.name);
    if (tcp.length > 0)
      problems.add(
        `ports: ${tcp.join(', ')} carries no name, so ${wildcards.join(', ')} cannot be found by it; name the ` +
          `host and give its \`addresses\``,
      );
  }

  private readOwnSettings(
    props: SidecarEgressProps,
    common: EgressPathSettings,
    problems: Problems,
  ): SidecarEgressPathSettings {
    const { addresses, endpoints } = props;
    const numeric = endpoints?.every((endpoint) => isIP(endpoint) !== 0) ?? false;
    const resolution = props.resolution ?? (numeric ? EgressResolution.STATIC : EgressResolution.DNS);
    if (endpoints?.length === 0) problems.add('endpoints: empty; leave it out');
    if (endpoints && this.hosts.length > 1)
      problems.add(`endpoints: ${this.hosts.length} hosts cannot share them; write one SidecarEgress for each host`);
    endpoints?.forEach(
      (value, index) =>
        endpoints.indexOf(value) !== index && problems.add(`endpoints[${index}]: "${value}" is there twice`),
    );
    readAddresses(this.hosts, common.ports, props, resolution === EgressResolution.STATIC, problems);
    endpoints?.forEach((endpoint, index) =>
      problems.check(`endpoints[${index}]`, () => {
        if (isIP(endpoint) !== 0) return endpoint;
        if (resolution === EgressResolution.STATIC)
          throw new Error(
            `"${endpoint}" is no IP address, which resolution STATIC needs; leave \`resolution\` out to have ` +
              'the name looked up',
          );
        return assertHostName(endpoint);
      }),
    );
    if (resolution === EgressResolution.STATIC && !endpoints)
      problems.add('resolution: STATIC without `endpoints` leads nowhere; give the IP addresses of the host');
    if (resolution === EgressResolution.DNS_ROUND_ROBIN && (endpoints?.length ?? 0) > 1)
      problems.add('endpoints: DNS_ROUND_ROBIN takes one; use EgressResolution.DNS for several');
    return { ...common, resolution, addresses, endpoints, unsafeSharedDomains: props.unsafeSharedDomains ?? false };
  }
}
