import { ApiObject, ApiObjectMetadata } from 'cdk8s';
import { Construct } from 'constructs';
import { AppScope } from './_app-scope';
import { CallerSide } from './_caller-side';
import { CallerPolicy } from './_caller-policy';
import { OneOf } from './_one-of';
import { tlsBlock } from './_origination';
import { PortSettings, EgressPathSettings } from './_settings';
import { originationPort, privateNameOf, externalPorts, portPolicy, routeOptions, speaksHttp2 } from './_traffic';
import { EgressPath } from './_egress-path';
import { IEgressGateway } from './installed-egress-gateway';
import {
  DestinationRule,
  DestinationRuleSpec,
  Gateway,
  GatewaySpec,
  ServiceEntry,
  ServiceEntrySpec,
  VirtualService,
  VirtualServiceSpec,
} from '../../imports/networking.istio.io';
import { Caller } from '../values/caller';
import { EgressProtocol } from '../values/egress-port';
import { HOP_DOMAIN } from '../values/host-name';
import { keyOf, objectName } from '../values/names';

/** The one port of the hop Service. */
export const HOP_PORT = 443;

export interface GatewayEgressPathSettings extends EgressPathSettings {
  /** Whether plain HTTP crosses the gateway as bytes, read by the sidecar only. */
  readonly opaque: boolean;
  /** What applications dial for a TCP port, where it was given. */
  readonly addresses?: string[];
  /** The set of callers whose policy answers all others with 403; otherwise the servers themselves refuse. */
  readonly forbiddenExcept?: string;
}

/** Where the objects of a `GatewayEgress` stand; the rules of each half come before everything else of it. */
export interface Sides {
  readonly gatewayRules: Construct;
  readonly gateway: Construct;
  readonly caller: Construct;
  /** Before everything else of the callers' half: rules of ways that share a route. */
  readonly callerRules: Construct;
}

/**
 * One host, for one namespace of callers, through one gateway: two halves that know each other only by a private name.
 *
 * - The *caller half* says "this host exists, and there is no way to it" (an entry without endpoints), and leads each
 *   port to the gateway under a hop name that nobody else uses. Taken apart, it refuses; it never goes round the
 *   gateway.
 * - The *gateway half* has a server for each hop name that lets in the named callers only (the server itself checks
 *   their certificates, so nothing that enforces can be missing while the server is there), and leads each to the
 *   outside under a second private name, with the host as its endpoint. So no object that anybody else wrote for the
 *   host, in any namespace, is ever mixed with ours: Istio picks the oldest of several entries for a host at a gateway,
 *   merges their ports, and drops rules that differ in visibility.
 *
 * Everything is visible in its own namespace only, and everything is per port: in one server, route or subset for
 * several hosts the first would take all (measured).
 */
export class GatewayEgressPath extends EgressPath<GatewayEgressPathSettings> {
  /** @param only the service account that the way is for, where each caller has one of its own */
  public static of(
    scope: AppScope,
    namespace: string,
    host: string,
    gateway: IEgressGateway,
    only?: string,
  ): GatewayEgressPath {
    const { installation } = gateway;
    const identity = `gateway ${namespace} ${host} ${installation.namespace}/${installation.name} ${only ?? ''}`;
    return scope.share(identity, () => new GatewayEgressPath(scope, namespace, host, gateway, only));
  }

  public readonly gatewayObjects: ApiObject[] = [];
  public readonly callerObjects: ApiObject[] = [];
  private readonly callers = new Map<string, Caller>();
  private key = '';
  private owner = '';
  private emitter?: Construct;
  private sides?: Sides;
  private rule?: ApiObject;

  private constructor(
    private readonly app: AppScope,
    private readonly namespace: string,
    host: string,
    private readonly gateway: IEgressGateway,
    private readonly only: string | undefined,
  ) {
    super(
      `${host} from ${only === undefined ? `namespace ${namespace}` : `${namespace}/${only}`} through ` +
        `${gateway.installation.namespace}/${gateway.installation.name}`,
      host,
    );
  }

  /** Lets one more caller in. Callers of all declarations of this way are let in by the same servers. */
  public allow(caller: Caller): void {
    this.callers.set(`${caller._title} ${JSON.stringify(caller.podLabels)}`, caller);
    this.app.touch();
    const egressPath = { construct: this.construct, title: this.title, callers: () => [...this.callers.values()] };
    const policy = this.policy?.check(egressPath, this.sides!.gatewayRules, this.settings);
    if (policy) this.gatewayObjects.unshift(policy);
  }

  /** Emits both halves, each in the order in which it can be applied; the gateway's goes first. */
  public emit(construct: Construct, owner: string, sides: Sides): void {
    const { name, namespace } = this.gateway.installation;
    OneOf.egressPath(this.app, this.namespace, this.host).state(construct, `through ${namespace}/${name}`);
    this.emitter = construct;
    this.owner = owner;
    this.sides = sides;
    this.key = keyOf(
      'gateway',
      owner,
      this.namespace,
      this.host,
      namespace,
      name,
      ...(this.only === undefined ? [] : ['only', this.only]),
    );
    if (this.settings.policy) this.emitDestinationRule();

    const gateway = (id: string, type: any, metadata: ApiObjectMetadata, spec: () => any) =>
      this.gatewayObjects.push(this.app.emit(construct, sides.gateway, this.id(id), type, metadata, spec));
    for (const port of this.settings.ports) {
      gateway(`virtual-service-${port.name}`, VirtualService, this.metadata(namespace, port.name), () =>
        this.gatewayRoute(port),
      );
    }
    // After the routes: when TLS origination is added to a host in use, they leave the plain port before it is gone.
    gateway('service-entry', ServiceEntry, this.metadata(namespace), () => this.externalEntry());
    gateway('gateway', Gateway, this.metadata(namespace), () => this.servers());

    const metadata = this.metadata(this.namespace);
    const rules = this.only === undefined ? sides.caller : sides.callerRules;
    this.callerObjects.push(
      this.app.emit(construct, rules, this.id('destination-rule'), DestinationRule, metadata, () => this.hopRule()),
    );
    this.callerObjects.push(
      ...CallerSide.of(this.app, this.namespace, this.host, this.gateway).join(this, construct, owner, sides.caller),
    );

    const { installation } = this.gateway;
    this.app.allowedEgress.add({ by: construct, from: { namespace: this.namespace }, gateway: installation });
    const external = () => externalPorts(this.settings.ports, this.origination);
    this.app.allowedEgress.add({
      by: construct,
      from: { namespace, labels: installation.labels },
      to: () => [{ to: 'public', ports: external() }],
    });
  }

  /** The rule at the gateway for connections to the outside: originates TLS, carries the traffic policy. */
  public emitDestinationRule(): ApiObject {
    if (!this.rule) {
      const metadata = this.metadata(this.gateway.installation.namespace);
      this.rule = this.app.emit(
        this.construct,
        this.sides!.gatewayRules,
        this.id('destination-rule'),
        DestinationRule,
        metadata,
        () => this.externalRule(),
      );
      this.gatewayObjects.unshift(this.rule);
    }
    this.app.touch();
    return this.rule;
  }

  /** The construct that emits the objects. */
  public get construct(): Construct {
    return this.emitter!;
  }

  /** What all ways of the namespace to this host must agree about. */
  public get shape() {
    const { ports, addresses, dnsCapture, namePrefix, labels, annotations } = this.settings;
    return { owner: this.owner, ports, addresses, dnsCapture, namePrefix, labels, annotations };
  }

  /**
   * Labels of the pods that this way is for, one set of which each carries; not given when it is for all pods without a
   * way of their own.
   */
  public get sources(): Record<string, string>[] | undefined {
    return this.only === undefined ? undefined : [...this.callers.values()].map((caller) => caller.podLabels ?? {});
  }

  private id(kind: string): string {
    return `${this.host}-for-${this.namespace}${this.only === undefined ? '' : `-${this.only}`}-${kind}`;
  }

  private metadata(namespace: string, suffix?: string): ApiObjectMetadata {
    const { namePrefix, labels, annotations } = this.settings;
    return { name: objectName(namePrefix ?? this.host, this.key, suffix), namespace, labels, annotations };
  }

  // -- names that nobody else uses

  private hopName(port: PortSettings): string {
    return `${port.name}.${this.key}.${this.policy?.hopDomain ?? HOP_DOMAIN}`;
  }

  private get privateName(): string {
    return privateNameOf(this.host, this.key);
  }

  private hopSubset(port: PortSettings): string {
    return `${this.key}-${port.name}`;
  }

  // -- the caller half

  /** Where the namespace's route leads. */
  public hop(port: PortSettings) {
    return { host: this.gateway.installation.hopServiceHost, subset: this.hopSubset(port), port: { number: HOP_PORT } };
  }

  /** What the sidecar does to requests on the way to the gateway. */
  public hopOptions(port: PortSettings) {
    return this.settings.opaque
      ? routeOptions(this.settings)
      : { rewrite: { authority: this.hopName(port) }, retries: this.hopRetries() };
  }

  /**
   * The gateway tries again what fails outside; the hop only what never reached the gateway. Istio's default would also
   * try again at the sidecar what the gateway reports as gRPC "unavailable" after all its own attempts, and so multiply
   * them.
   */
  private hopRetries(): { attempts: number; retryOn?: string } {
    return this.settings.retries?.attempts === 0
      ? { attempts: 0 }
      : { attempts: 2, retryOn: 'connect-failure,refused-stream' };
  }

  /** Mutual TLS to this gateway and to nobody else, with a server name for each port. */
  private hopRule(): DestinationRuleSpec {
    const { installation } = this.gateway;
    return {
      host: installation.hopServiceHost,
      exportTo: ['.'],
      subsets: this.settings.ports.map((port) => {
        const tls = { mode: 'ISTIO_MUTUAL', sni: this.hopName(port), subjectAltNames: [installation.spiffeId] };
        return {
          name: this.hopSubset(port),
          trafficPolicy: { portLevelSettings: [portPolicy(HOP_PORT, undefined, tls, speaksHttp2(port))] },
        };
      }),
    };
  }

  // -- the gateway half

  private servers(): GatewaySpec {
    const { namespace, labels, trustDomain } = this.gateway.installation;
    const callers = [...new Set([...this.callers.values()].map((caller) => caller.spiffeId(trustDomain)))].sort();
    return {
      selector: labels,
      servers: this.settings.ports.map((port) => ({
        port: {
          number: HOP_PORT,
          name: `${port.name}-${this.key}`,
          protocol: this.readAtGateway(port) ? 'HTTPS' : 'TLS',
        },
        hosts: [`${namespace}/${this.hopName(port)}`],
        tls: { mode: 'ISTIO_MUTUAL' as any, subjectAltNames: this.policy ? undefined : callers },
      })),
    };
  }

  private gatewayRoute(port: PortSettings): VirtualServiceSpec {
    const { namespace } = this.gateway.installation;
    const match = [{ port: HOP_PORT }];
    const route = [{ destination: this.external(port) }];
    const read = this.readAtGateway(port);
    return {
      hosts: [this.hopName(port)],
      exportTo: ['.'],
      gateways: [`${namespace}/${objectName(this.settings.namePrefix ?? this.host, this.key)}`],
      http: read
        ? [{ match, rewrite: { authority: this.authority(port) }, ...routeOptions(this.settings), route }]
        : undefined,
      tcp: read ? undefined : [{ match, route }],
    };
  }

  /** Where a port of the host leads outside: to the TLS port under the originating subset, or to the same port. */
  private external(port: PortSettings) {
    const { settings, origination } = this;
    if (origination && port.http) {
      return {
        host: this.privateName,
        subset: this.originatingSubset(port),
        port: { number: originationPort(origination, settings.ports) },
      };
    }
    return { host: this.privateName, subset: settings.policy && this.plainSubset, port: { number: port.number } };
  }

  private externalEntry(): ServiceEntrySpec {
    const { settings, origination } = this;
    const ports = settings.ports
      .filter((port) => !(origination && port.http))
      .map(({ number, name, protocol }) => ({ number, name, protocol }));
    if (origination) {
      const number = originationPort(origination, settings.ports);
      if (!ports.some((port) => port.number === number))
        ports.push({ number, name: `tls-${number}`, protocol: EgressProtocol.TLS });
    }
    return {
      hosts: [this.privateName],
      exportTo: ['.'],
      location: 'MESH_EXTERNAL' as any,
      resolution: 'DNS' as any,
      endpoints: [{ address: this.host }],
      ports: ports.sort((a, b) => a.number - b.number),
    };
  }

  private externalRule(): DestinationRuleSpec {
    const { settings, origination } = this;
    const { policy, ports } = settings;
    const subsets = [];
    if (origination) {
      const { namespace } = this.gateway.installation;
      const number = originationPort(origination, ports);
      const tls = tlsBlock(origination, namespace);
      for (const http2 of [...new Set(ports.filter((port) => port.http).map(speaksHttp2))]) {
        subsets.push({
          name: this.originating(http2),
          trafficPolicy: { portLevelSettings: [portPolicy(number, policy, tls, http2)] },
        });
      }
    }
    if (policy && ports.some((port) => !(origination && port.http)))
      subsets.push({ name: this.plainSubset, trafficPolicy: policy });
    return { host: this.privateName, exportTo: ['.'], subsets };
  }

  protected get alternative(): string {
    return this.only === undefined ? '; or, for different callers, set `separateCallers` on both' : '';
  }

  /** The policy that checks the callers, where the servers cannot. */
  private get policy(): CallerPolicy | undefined {
    const { app, gateway, owner, namespace, settings, only } = this;
    const whole = [...this.callers.values()].some((caller) => caller.serviceAccountName === undefined);
    if (whole) return CallerPolicy.ofNamespace(app, gateway, owner, namespace);
    if (settings.forbiddenExcept === undefined) return undefined;
    return CallerPolicy.ofSet(
      app,
      gateway,
      owner,
      namespace,
      only === undefined ? settings.forbiddenExcept : `${settings.forbiddenExcept} ${only}`.trim(),
    );
  }

  private get plainSubset(): string {
    return 'plain';
  }

  private originatingSubset(port: PortSettings): string {
    return this.originating(speaksHttp2(port));
  }

  private originating(http2: boolean): string {
    return http2 ? 'tls-http2' : 'tls';
  }

  /** The Host header as a client would write it that calls the host itself. */
  private authority(port: PortSettings): string {
    const { origination, settings } = this;
    const number = origination ? originationPort(origination, settings.ports) : port.number;
    return number === (origination ? 443 : 80) ? this.host : `${this.host}:${number}`;
  }

  private readAtGateway(port: PortSettings): boolean {
    return port.http && !this.settings.opaque;
  }
}
