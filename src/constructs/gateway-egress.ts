import { ApiObject, Chart } from 'cdk8s';
import { Construct } from 'constructs';
import { caller as callerReader, callers, readIstioVersion, readOwner, requiredGateway, where } from './_readers';
import { checkOriginationPorts, commonReaders, readAddresses, readSettings } from './_settings';
import { Egress, TlsOrigination } from './egress';
import { CommonEgressProps } from './egress-props';
import { IEgressGateway } from './i-egress-gateway';
import { TlsOriginationOptions } from './tls-origination-options';
import { GatewayEgressPath } from '../declarations/gateway-egress-path';
import { describeGateway, onLock } from '../declarations/gateways';
import { OriginationSettings } from '../declarations/origination';
import { EgressPathSettings, GatewayEgressPathSettings } from '../declarations/settings';
import { Emission, Places, rulesFirst } from '../emission/emission';
import { validate } from '../emission/validation';
import { externalRule, gatewayEgress } from '../recipes/gateway';
import { isHttp2, isOpaque } from '../istio/protocols';
import { Caller } from '../values/caller';
import { addTo } from '../values/grouping';
import { assertHostName, isWildcardHost } from '../values/host-name';
import { Problems } from '../values/problems';
import { addresses, chart, Checked, flag, label, oneOf, readProps, Readers, required } from '../values/readers';

/** Where plain HTTP is read on its way through the gateway. */
export enum GatewayHttp {
  /**
   * At the gateway as well: it logs and retries requests and sees their paths and headers. An `EgressGateway` adds no
   * headers of its own; other gateways may add one that tells the external host the private name of the hop
   * (`x-envoy-original-host`).
   */
  AT_GATEWAY = 'AT_GATEWAY',

  /**
   * Only at the sidecar: the gateway passes bytes, logs no requests and adds no header.
   */
  OPAQUE = 'OPAQUE',
}

/** How workloads that are not among the callers, but in the namespace of one, are refused. */
export enum GatewayRefusal {
  /**
   * The gateway's server rejects their certificate. They see what looks like an outage (503, or a closed TLS handshake)
   * and the gateway logs nothing of HTTP that it reads. Removing any one object never opens the host at the gateway,
   * because without the server there is no route.
   */
  CLOSED = 'CLOSED',

  /**
   * A policy refuses them: plain HTTP is answered with 403, TLS is closed, and the gateway logs the caller. Allowed
   * only on a gateway that is locked down: there a missing policy refuses all callers; elsewhere it would let in the
   * whole namespace.
   */
  FORBIDDEN = 'FORBIDDEN',
}

/** Properties for `GatewayEgress`. */
export interface GatewayEgressProps extends CommonEgressProps {
  /** The gateway: an `EgressGateway`, an `InstalledEgressGateway`, or a reference to one. */
  readonly gateway: IEgressGateway;

  /**
   * The callers of the hosts; all other workloads are refused. At least one, and none in the gateway's namespace. A
   * whole namespace cannot call TCP ports.
   */
  readonly callers: Caller[];

  /**
   * The IP addresses or address ranges that applications dial; only for a single host. TCP ports need them, or
   * `dnsCapture`, because nothing else in a TCP connection identifies the host. The gateway itself resolves the host by
   * DNS.
   *
   * @default - any: HTTP and TLS are routed by name
   * @example
   * new GatewayEgress(chart, 'db', {
   *   gateway: exit,
   *   hosts: ['db.example.com'],
   *   ports: [EgressPort.tcp(5432)],
   *   addresses: ['203.0.113.50'],
   *   callers: [Caller.serviceAccount('payments', 'checkout')],
   * });
   */
  readonly addresses?: string[];

  /**
   * Where plain HTTP is read on its way through the gateway.
   *
   * @default GatewayHttp.AT_GATEWAY
   */
  readonly http?: GatewayHttp;

  /**
   * How workloads that are not among the callers, but in the namespace of one, are refused.
   *
   * @default GatewayRefusal.CLOSED
   * @example
   * const locked = GatewayInstallation.egressGateway({ namespace: 'egress', lockedDown: true });
   * new GatewayEgress(chart, 'partner', {
   *   gateway: InstalledEgressGateway.fromInstallation(chart, 'locked-exit', locked),
   *   hosts: ['api.partner.com'],
   *   callers: [Caller.serviceAccount('payments', 'checkout')],
   *   refusal: GatewayRefusal.FORBIDDEN,
   * });
   */
  readonly refusal?: GatewayRefusal;

  /**
   * A name for this set of callers, a DNS label. Only with `GatewayRefusal.FORBIDDEN`. One policy of the namespace
   * serves all declarations of the same set, for any number of hosts, so they must name the same callers.
   *
   * @default - one set for all declarations of the namespace
   */
  readonly callerSet?: string;

  /**
   * Gives each caller its own egress path to each host, so that callers of one namespace can present different client
   * certificates: write one GatewayEgress for each caller, with the same hosts, and originate TLS on each. The pod
   * labels of the callers must be known (`Caller.workload`, or `podLabels`), and must share a label key with
   * different values.
   *
   * @default false - all callers of a namespace share the egress path to a host
   * @example
   * for (const name of ['checkout', 'payroll']) {
   *   new GatewayEgress(chart, `bank-for-${name}`, {
   *     gateway: exit,
   *     hosts: ['api.bank.com'],
   *     callers: [Caller.serviceAccount('payments', name, { podLabels: { app: name } })],
   *     separateCallers: true,
   *   }).originateTls('tls', { clientCertificate: ClientCertificate.fromSecret(`${name}-client`) });
   * }
   */
  readonly separateCallers?: boolean;

  /**
   * The chart for the objects in the gateway's namespace, for instance one that the platform team applies. Apply it
   * first: the caller side alone makes calls to the host fail.
   *
   * @default - the chart of this construct
   * @example
   * new GatewayEgress(shop, 'partner', {
   *   gateway: exit,
   *   gatewayChart: new Chart(app, 'grants', { namespace: 'egress' }),
   *   hosts: ['api.partner.com'],
   *   callers: [Caller.serviceAccount('shop', 'checkout')],
   * });
   */
  readonly gatewayChart?: Chart;
}

const NO_CALLERS =
  ', so no workload could call; name the callers, such as Caller.serviceAccount("payments", "checkout")';

const readersFor = (props: GatewayEgressProps): Readers<GatewayEgressProps> => ({
  ...commonReaders((host) => assertGatewayHost(host, props)),
  gateway: requiredGateway,
  callers: required(callers(`none given${NO_CALLERS}`), NO_CALLERS),
  addresses: addresses(true),
  http: oneOf('GatewayHttp', GatewayHttp),
  refusal: oneOf('GatewayRefusal', GatewayRefusal),
  callerSet: label('name of a set of callers', 'partners'),
  separateCallers: flag,
  gatewayChart: chart,
});

/**
 * External hosts that named callers, and no others, reach through an egress gateway.
 *
 * Plain HTTP and TLS from the application both go through the gateway. The hop to the gateway uses mutual TLS, and the
 * gateway checks the caller's certificate for each host. Other workloads of the callers' namespaces see what looks like
 * an outage (503, or a closed TLS handshake), and none of their data reaches the host. On a locked mesh, a missing or
 * late object makes calls fail; they never bypass the gateway.
 *
 * @example
 * new GatewayEgress(chart, 'partner', {
 *   gateway: exit,
 *   hosts: ['api.partner.com'],
 *   callers: [Caller.serviceAccount('payments', 'checkout')],
 * });
 * @see https://istio.io/latest/docs/tasks/traffic-management/egress/egress-gateway/
 */
export class GatewayEgress extends Egress {
  /** The external hosts. */
  public readonly hosts: string[];

  /** The gateway. */
  public readonly gateway: IEgressGateway;

  private readonly egressPaths = new Map<GatewayEgressPath, Emission>();
  private readonly egressPathsByHost = new Map<string, GatewayEgressPath[]>();
  private readonly settings: GatewayEgressPathSettings;
  private readonly owner: string;
  private readonly separate: boolean;
  private readonly places: Places;
  private readonly originations = new Map<string, { by: TlsOrigination; settings: OriginationSettings }>();

  constructor(scope: Construct, id: string, props: GatewayEgressProps) {
    super(scope, id);
    const problems = new Problems(where(this));
    const checked = readProps(props, readersFor(props), problems);
    this.gateway = checked.gateway!;
    this.hosts = checked.hosts ?? [];
    readIstioVersion(this, checked.istioVersion, problems);
    const common = readSettings(checked, this.hosts, [], clusterDomainOf(checked), problems);
    this.separate = checked.separateCallers ?? false;
    this.settings = {
      ...common,
      addresses: readAddresses(this.hosts, common.ports, checked, problems),
      opaque: checked.http === GatewayHttp.OPAQUE,
      forbiddenExcept: this.readRefusal(checked, common, problems),
    };
    this.owner = readOwner(this, checked.owner, problems);
    const named = checked.callers ?? [];
    for (const one of named) this.checkCaller(one, problems);
    problems.throwIfAny();

    describeGateway(this, this.gateway.installation);
    validate(this);
    this.places = this.makePlaces(checked.gatewayChart);
    const byName = [...named].sort((a, b) => (a._title < b._title ? -1 : 1));
    for (const one of this.separate ? byName : named) this.allowCaller(one);
    // If the gateway is locked down later, these egress paths need grants.
    onLock(this, () => this.egressPaths.forEach((emission) => emission.update()));
  }

  /** All objects for these hosts so far: first those of the gateway side, then those of the caller side. */
  public get apiObjects(): ApiObject[] {
    return [...this.gatewayObjects, ...this.callerObjects];
  }

  /** The objects in the gateway's namespace. */
  public get gatewayObjects(): ApiObject[] {
    return [...this.egressPaths.values()].flatMap((emission) => emission.objects('gateway'));
  }

  /** The objects in the callers' namespaces. */
  public get callerObjects(): ApiObject[] {
    return [...this.egressPaths.values()].flatMap((emission) => emission.objects('caller'));
  }

  /**
   * Lets one more caller reach all hosts of this construct. The same as naming it under `callers`.
   *
   * @param caller the caller; not in the namespace of the gateway
   */
  public allowCaller(caller: Caller): void {
    const problems = new Problems(where(this));
    const checked = callerReader(caller, 'caller', problems);
    if (checked) this.checkCaller(checked, problems);
    problems.throwIfAny();
    for (const host of this.hosts) this.allowOne(host, caller);
    this.node.addValidation({ validate: () => [caller._changed() ?? []].flat() });
  }

  /** @internal */
  public _checkOrigination(options: TlsOriginationOptions, problems: Problems): void {
    const { ports, opaque } = this.settings;
    checkOriginationPorts(this.node.path, ports, options.port, problems);
    if (options.callers) {
      problems.add(
        `callers: [${this.node.path}] itself names the callers, and the gateway holds the certificate; leave ` +
          '`callers` out here',
      );
    }
    const http2 = ports.filter((port) => isHttp2(port.protocol));
    if (opaque && http2.length > 0) {
      problems.add(
        `egress: [${this.node.path}] passes ${http2.map((port) => port.name).join(', ')} opaquely, so the gateway ` +
          'cannot negotiate HTTP/2 with the host (ALPN); use GatewayHttp.AT_GATEWAY',
      );
    }
  }

  /** @internal */
  public _originatorOf(host: string): string | undefined {
    const other = this.originations.get(host)?.by;
    return other && `[${other.node.path}] already`;
  }

  /** @internal */
  public _originate(host: string, by: TlsOrigination, settings: OriginationSettings): ApiObject[] {
    this.originations.set(host, { by, settings });
    return (this.egressPathsByHost.get(host) ?? []).flatMap((path) => {
      path.declareOrigination(this, by, settings);
      return this.egressPaths.get(path)!.add(externalRule(path));
    });
  }

  /** Each namespace of callers has its own egress path to each host; each caller, where they are separate. */
  private allowOne(host: string, caller: Caller): void {
    const { namespace, serviceAccountName } = caller;
    const only = this.separate ? serviceAccountName : undefined;
    const path = GatewayEgressPath.of(this, namespace, host, this.gateway, only);
    if (!this.egressPaths.has(path)) {
      path.declare(this, this.owner, this.settings);
      addTo(this.egressPathsByHost, host, path);
      const origination = this.originations.get(host);
      if (origination) path.declareOrigination(this, origination.by, origination.settings);
    }
    path.allow(caller);
    const emission = Emission.of(path, () => new Emission(this, this.places, () => gatewayEgress(path), path));
    this.egressPaths.set(path, emission.update());
  }

  /** Where the objects of each side go; DestinationRules come first on each. */
  private makePlaces(gatewayChart: Chart | undefined): Places {
    const gateway = gatewayChart
      ? new Construct(gatewayChart, `${this.node.path.replace(/\//g, '.')}.gateway-side`)
      : new Construct(this, 'gateway-side');
    return { gateway: rulesFirst(gateway), caller: rulesFirst(new Construct(this, 'caller-side')) };
  }

  private checkCaller(one: Caller, problems: Problems): void {
    if (one.namespace === this.gateway?.installation.namespace) {
      problems.add(
        `callers: ${one._title} is in the gateway's namespace, where the objects of both sides would conflict ` +
          'and, depending on which are older, calls would be refused or bypass the checks; move the gateway or the ' +
          'caller to another namespace',
      );
    }
    const whole = one.serviceAccountName === undefined;
    if (whole && this.settings.ports.some(({ protocol }) => isOpaque(protocol)))
      problems.add(`callers: ${one._title} ${UNCHECKED}; name service accounts`);
    if (!this.separate) return;
    if (whole) {
      problems.add(
        `separateCallers: needs named service accounts, but the whole namespace ${one.namespace} is a caller; ` +
          'name service accounts',
      );
    } else if (!one.podLabels) {
      problems.add(
        `separateCallers: ${one._title} has no pod labels, and Istio tells the callers of a namespace apart by ` +
          `label; write Caller.workload(deployment), or Caller.serviceAccount("${one.namespace}", ` +
          `"${one.serviceAccountName}", { podLabels: { app: "…" } })`,
      );
    }
  }

  private readRefusal(
    { refusal, callerSet, http }: Checked<GatewayEgressProps>,
    common: EgressPathSettings,
    problems: Problems,
  ): string | undefined {
    if (refusal !== GatewayRefusal.FORBIDDEN) {
      if (callerSet !== undefined && !problems.has('refusal'))
        problems.add('callerSet: applies only with GatewayRefusal.FORBIDDEN; leave it out, or set refusal');
      return undefined;
    }
    if (http === GatewayHttp.OPAQUE || !common.ports.some((port) => port.http)) {
      problems.add(
        'refusal: FORBIDDEN answers HTTP with 403, but with OPAQUE or without an HTTP port the gateway reads no ' +
          'HTTP; leave it out',
      );
    }
    if (common.ports.some(({ protocol }) => isOpaque(protocol)))
      problems.add(`refusal: with FORBIDDEN a caller of a TCP port ${UNCHECKED}; leave it out`);
    return callerSet ?? '';
  }
}

const UNCHECKED =
  'is checked by a policy, which is evaluated only once the caller has sent data, so any workload would first ' +
  'receive what the host sends on connecting';

/** Gateways resolve a host before there is a request for it, so they need its name. */
function assertGatewayHost(host: string, props: GatewayEgressProps): string {
  if (isWildcardHost(host)) {
    throw new Error(
      `"${host}" is a wildcard, which Istio's gateways cannot resolve (https://github.com/istio/istio/issues/61831); ` +
        'name every host here, or declare the wildcard with a SidecarEgress, directly from the sidecars of one ' +
        'namespace',
    );
  }
  return assertHostName(host, {
    addressProps: '`addresses`',
    internal: props.unsafeInternalHosts === true,
    clusterDomain: clusterDomainOf(props),
  });
}

/** The domain of Services, from the gateway's installation. Works on unchecked props too. */
function clusterDomainOf(props: { readonly gateway?: IEgressGateway }): string | undefined {
  return props.gateway?.installation?.clusterDomain;
}
