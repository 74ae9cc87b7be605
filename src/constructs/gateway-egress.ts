import { ApiObject, Chart } from 'cdk8s';
import { Construct } from 'constructs';
import { AppScope } from './_app-scope';
import { GatewayEgressPath, GatewayEgressPathSettings, Sides } from './_gateway-egress-path';
import { checkOriginationPorts, OriginationSettings } from './_origination';
import {
  assertGateway,
  readAddresses,
  readCallers,
  readHosts,
  readIstioVersion,
  readOwner,
  readSettings,
  EgressPathSettings,
  where,
} from './_settings';
import { CommonEgressProps, Egress } from './egress';
import { IEgressGateway } from './installed-egress-gateway';
import { TlsOrigination, TlsOriginationOptions } from './tls-origination';
import { Caller } from '../values/caller';
import { EgressProtocol } from '../values/egress-port';
import { assertHostName, isWildcardHost } from '../values/host-name';
import { assertDnsLabel } from '../values/names';
import { Problems } from '../values/problems';

/** Who reads plain HTTP on its way through the gateway. */
export enum GatewayHttp {
  /**
   * The gateway: it logs requests, retries them, and sees paths and headers. On a gateway that is not set up against
   * it, one header tells the external host the private name of the hop: `x-envoy-original-host`.
   */
  AT_GATEWAY = 'AT_GATEWAY',

  /**
   * Only the sidecar: the gateway passes bytes, logs no requests, and the external host sees exactly the application's
   * headers.
   */
  OPAQUE = 'OPAQUE',
}

/** How callers of a caller's own namespace that are not named are refused. */
export enum GatewayRefusal {
  /**
   * The gateway's server refuses their certificate. It looks like an outage (503, or a closed TLS handshake), the
   * gateway logs nothing, and nothing can be missing: without the server there is no way at all.
   */
  CLOSED = 'CLOSED',

  /**
   * A policy refuses them: plain HTTP is answered with 403, TLS is closed, and the gateway logs who called. Only on a
   * gateway that is locked down, where a missing policy refuses everybody; elsewhere it would let in everybody of the
   * namespace.
   */
  FORBIDDEN = 'FORBIDDEN',
}

/** Properties for `GatewayEgress`. */
export interface GatewayEgressProps extends CommonEgressProps {
  /** The gateway: an `EgressGateway`, an `InstalledEgressGateway`, or a reference to one. */
  readonly gateway: IEgressGateway;

  /** Who may call the hosts; nobody else may. At least one, none in the namespace of the gateway. */
  readonly callers: Caller[];

  /**
   * The IP addresses or address ranges that applications dial. For one host only. TCP ports need them, or `dnsCapture`:
   * nothing else in a TCP connection says which host is meant. Where the gateway goes is decided by DNS.
   *
   * @default - any: HTTP and TLS find their way by name
   */
  readonly addresses?: string[];

  /**
   * Who reads plain HTTP on its way through the gateway.
   *
   * @default GatewayHttp.AT_GATEWAY
   */
  readonly http?: GatewayHttp;

  /**
   * How callers of a caller's own namespace that are not named are refused.
   *
   * @default GatewayRefusal.CLOSED
   */
  readonly refusal?: GatewayRefusal;

  /**
   * With `GatewayRefusal.FORBIDDEN`, a name for this set of callers. One policy of the namespace serves all
   * declarations of the same set, however many hosts they name; so they must name the same callers. A DNS label.
   *
   * @default - one set for all declarations of the namespace
   */
  readonly callerSet?: string;

  /**
   * Gives each caller a way of its own to each host, so that callers of one namespace may show different client
   * certificates: write one GatewayEgress for each, with the same hosts, and originate TLS on each. The callers must be
   * known by the labels of their pods (`Caller.workload`, or `podLabels`), and each label set must differ in the value
   * of a common label.
   *
   * @default false - all callers of a namespace share the way to a host
   */
  readonly separateCallers?: boolean;

  /**
   * The chart for the half that belongs into the gateway's namespace, for instance one that the platform team applies.
   * Apply it first; each half is harmless without the other.
   *
   * @default - the chart of this construct
   */
  readonly gatewayChart?: Chart;
}

/**
 * External hosts that named callers, and only they, reach through an egress gateway.
 *
 * Plain HTTP and the application's own TLS both go through it. The way to the gateway is mutual TLS; the gateway checks
 * the caller's certificate for each host. A caller that is not named sees what looks like an outage (503, or a closed
 * TLS handshake), and nothing reaches the outside. What is missing or late refuses; nothing goes round the gateway.
 *
 * @see https://istio.io/latest/docs/tasks/traffic-management/egress/egress-gateway/
 */
export class GatewayEgress extends Egress {
  /** The external hosts. */
  public readonly hosts: string[];

  /** The gateway. */
  public readonly gateway: IEgressGateway;

  private readonly egressPaths = new Map<string, GatewayEgressPath>();
  private readonly egressPathsByHost = new Map<string, GatewayEgressPath[]>();
  private readonly settings: GatewayEgressPathSettings;
  private readonly owner: string;
  private readonly separate: boolean;
  private readonly sides: Sides;
  private readonly originations = new Map<string, { by: TlsOrigination; settings: OriginationSettings }>();

  constructor(scope: Construct, id: string, props: GatewayEgressProps) {
    super(scope, id);
    this.gateway = props.gateway;
    const problems = new Problems(where(this));
    this.hosts = readHosts(props.hosts, problems, assertGatewayHost);
    problems.check('gateway', () => assertGateway(this.gateway));
    readIstioVersion(this, props.istioVersion, problems);
    const common = readSettings(props, problems);
    const addresses = readAddresses(this.hosts, common.ports, props, true, problems);
    this.separate = props.separateCallers ?? false;
    this.settings = {
      ...common,
      addresses,
      opaque: props.http === GatewayHttp.OPAQUE,
      forbiddenExcept: this.readRefusal(props, common, problems),
    };
    this.owner = readOwner(this, props.owner ?? Chart.of(this).namespace, problems);
    const callers = readCallers(props.callers, problems);
    if (!props.callers || (Array.isArray(props.callers) && props.callers.length === 0)) {
      problems.add(
        'callers: none given, so nobody could call; name who may, such as Caller.serviceAccount("payments", "checkout")',
      );
    }
    for (const caller of callers) this.checkCaller(caller, problems);
    problems.throwIfAny();

    const app = AppScope.of(this);
    app.describeGateway(this, this.gateway.installation);
    app.validate(this);
    this.sides = this.makeSides(props.gatewayChart);
    const byName = [...props.callers].sort((a, b) => (a._title < b._title ? -1 : 1));
    for (const caller of this.separate ? byName : props.callers) this.allowCaller(caller);
  }

  /** Every object made so far for these hosts: the gateway's half, then the callers'. */
  public get apiObjects(): ApiObject[] {
    return [...this.gatewayObjects, ...this.callerObjects];
  }

  /** The objects in the gateway's namespace. */
  public get gatewayObjects(): ApiObject[] {
    return [...this.egressPaths.values()].flatMap((egressPath) => egressPath.gatewayObjects);
  }

  /** The objects in the callers' namespaces. */
  public get callerObjects(): ApiObject[] {
    return [...this.egressPaths.values()].flatMap((egressPath) => egressPath.callerObjects);
  }

  /**
   * Lets one more caller reach all hosts of this construct. The same as naming it under `callers`.
   *
   * @param caller who may call; not in the namespace of the gateway
   */
  public allowCaller(caller: Caller): void {
    const problems = new Problems(where(this));
    for (const one of readCallers([caller], problems)) this.checkCaller(one, problems);
    problems.throwIfAny();
    for (const host of this.hosts) this.egressPathOf(host, caller).allow(caller);
    this.node.addValidation({ validate: () => [caller._changed() ?? []].flat() });
  }

  /** @internal */
  public _checkOrigination(options: TlsOriginationOptions, problems: Problems): void {
    const { ports, opaque } = this.settings;
    checkOriginationPorts(this.node.path, ports, options.port, problems);
    if (options.callers) {
      problems.add(
        `callers: [${this.node.path}] itself names who may call, and the gateway holds the certificate; leave ` +
          `\`callers\` out here`,
      );
    }
    const http2 = ports.filter((port) => port.http && port.protocol !== EgressProtocol.HTTP);
    if (opaque && http2.length > 0) {
      problems.add(
        `egress: [${this.node.path}] passes ${http2.map((port) => port.name).join(', ')} opaquely, and then ` +
          'the gateway cannot ask the host for HTTP/2 (ALPN); use GatewayHttp.AT_GATEWAY',
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
    return (this.egressPathsByHost.get(host) ?? []).map((egressPath) => {
      egressPath.declareOrigination(this, by, settings);
      return egressPath.emitDestinationRule();
    });
  }

  /** Every namespace of callers has a way of its own to each host; every caller, where they are separate. */
  private egressPathOf(host: string, { namespace, serviceAccountName }: Caller): GatewayEgressPath {
    const only = this.separate ? serviceAccountName : undefined;
    const identity = `${namespace} ${host} ${only ?? ''}`;
    let egressPath = this.egressPaths.get(identity);
    if (!egressPath) {
      egressPath = GatewayEgressPath.of(AppScope.of(this), namespace, host, this.gateway, only);
      this.egressPaths.set(identity, egressPath);
      this.egressPathsByHost.set(host, [...(this.egressPathsByHost.get(host) ?? []), egressPath]);
      if (egressPath.declare(this, this.owner, this.settings)) egressPath.emit(this, this.owner, this.sides);
      const origination = this.originations.get(host);
      if (origination) {
        egressPath.declareOrigination(this, origination.by, origination.settings);
        egressPath.emitDestinationRule();
      }
    }
    return egressPath;
  }

  /** The gateway's half comes first in its chart; within it, rules come before routes, whenever they were asked for. */
  private makeSides(gatewayChart: Chart | undefined): Sides {
    const gateway = gatewayChart
      ? new Construct(gatewayChart, `${this.node.path.replace(/\//g, '.')}.gateway-side`)
      : new Construct(this, 'gateway-side');
    const caller = new Construct(this, 'caller-side');
    return {
      gateway,
      gatewayRules: new Construct(gateway, 'rules'),
      caller,
      callerRules: new Construct(caller, 'rules'),
    };
  }

  private checkCaller(caller: Caller, problems: Problems): void {
    if (caller.namespace === this.gateway?.installation?.namespace) {
      problems.add(
        `callers: ${caller._title} lives in the gateway's namespace, where the two halves would meet and the ` +
          'way would fail, open or closed depending on age (measured); ' +
          'move the gateway or the caller to a namespace of its own',
      );
    }
    const whole = caller.serviceAccountName === undefined;
    if (whole && this.settings.ports.some(({ protocol }) => protocol === EgressProtocol.TCP))
      problems.add(`callers: ${caller._title} ${UNCHECKED}; name service accounts`);
    if (!this.separate) return;
    if (whole) {
      problems.add(
        `separateCallers: the whole namespace ${caller.namespace} cannot have a way apart from its callers; ` +
          'name service accounts',
      );
    } else if (!caller.podLabels) {
      problems.add(
        `separateCallers: ${caller._title} comes without the labels of its pods, by which Istio tells callers ` +
          'of one namespace apart; ' +
          `write Caller.workload(deployment), or Caller.serviceAccount("${caller.namespace}", ` +
          `"${caller.serviceAccountName}", { podLabels: { app: "…" } })`,
      );
    }
  }

  private readRefusal(props: GatewayEgressProps, common: EgressPathSettings, problems: Problems): string | undefined {
    const { refusal, callerSet, http } = props;
    if (callerSet !== undefined)
      problems.check('callerSet', () => assertDnsLabel(callerSet, 'name of a set of callers'));
    if (refusal !== GatewayRefusal.FORBIDDEN) {
      if (callerSet !== undefined)
        problems.add(
          "callerSet: only GatewayRefusal.FORBIDDEN has a policy for it; leave it out, each host's server " +
            'knows its callers',
        );
      return undefined;
    }
    if (http === GatewayHttp.OPAQUE || !common.ports.some((port) => port.http)) {
      problems.add(
        'refusal: 403 is an answer to a request that the gateway reads, and it reads none here; leave it out',
      );
    }
    if (common.ports.some(({ protocol }) => protocol === EgressProtocol.TCP))
      problems.add(`refusal: a caller of a TCP port ${UNCHECKED}; leave it out`);
    return callerSet ?? '';
  }
}

const UNCHECKED =
  "is checked by a policy, and a policy looks at a TCP connection only when the caller's first byte arrives: " +
  'what the server says before that would reach anybody (measured)';

/** Gateways find the address of a host before anybody asks for it, so they need its name. */
function assertGatewayHost(host: string): string {
  if (typeof host === 'string' && isWildcardHost(host)) {
    throw new Error(
      `"${host}" is a wildcard, and Istio's gateways cannot look up names when they are asked for ` +
        '(https://github.com/istio/istio/issues/61831): ' +
        'name every host here, or declare the wildcard with SidecarEgress, straight from the sidecars of one namespace',
    );
  }
  return assertHostName(host, '`addresses`');
}
