import { ApiObject, ApiObjectMetadata } from 'cdk8s';
import { Construct } from 'constructs';
import { AppScope } from './_app-scope';
import { CallerPolicy } from './_caller-policy';
import { CallerSide } from './_caller-side';
import { EgressPath } from './_egress-path';
import { OneOf } from './_one-of';
import { tlsBlock } from './_origination';
import { PortSettings, EgressPathSettings } from './_settings';
import {
  externalPorts,
  originatingSubset,
  originationPort,
  PLAIN_SUBSET,
  portPolicy,
  privateNameOf,
  routeOptions,
  speaksHttp2,
} from './_traffic';
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
  /** Whether plain HTTP crosses the gateway as opaque bytes, parsed by the sidecar only. */
  readonly opaque: boolean;
  /** The addresses that applications dial for a TCP port, if given. */
  readonly addresses?: string[];
  /** The set of callers whose policy answers all others with 403. Without it, the servers themselves refuse. */
  readonly forbiddenExcept?: string;
}

/** The scopes for the objects of a `GatewayEgress`. On each side, rules come before everything else. */
export interface Sides {
  readonly gatewayRules: Construct;
  readonly gateway: Construct;
  readonly caller: Construct;
  /** Comes before everything else on the caller side: rules of egress paths that share a VirtualService. */
  readonly callerRules: Construct;
}

/**
 * One host, for one namespace of callers, through one gateway: two sides that share only private names.
 *
 * - The *caller side* declares the host without endpoints, so that it cannot be reached directly, and routes each port
 *   to the gateway under a hop name that nothing else uses. With any of its objects missing it refuses requests; they
 *   never bypass the gateway.
 * - The *gateway side* has a server for each hop name. The server itself checks the callers' certificates and admits
 *   only the named callers, so the check cannot be missing while the server exists. It routes each hop name to the
 *   external host under a second private name, with the host as its endpoint. This keeps our objects apart from all
 *   others for the same host, in any namespace: at a gateway, Istio picks the oldest of several entries for a host,
 *   merges their ports, and drops rules that differ in visibility.
 *
 * Every object is visible in its own namespace only, and servers, routes and subsets are per port: if one of them
 * served several hosts, the first host would take all requests (measured).
 */
export class GatewayEgressPath extends EgressPath<GatewayEgressPathSettings> {
  /** @param account the service account that the path is for, if each caller has a path of its own */
  public static of(
    scope: AppScope,
    namespace: string,
    host: string,
    gateway: IEgressGateway,
    account?: string,
  ): GatewayEgressPath {
    const { installation } = gateway;
    const identity = `gateway ${namespace} ${host} ${installation.namespace}/${installation.name} ${account ?? ''}`;
    return scope.share(identity, () => new GatewayEgressPath(scope, namespace, host, gateway, account));
  }

  public readonly gatewayObjects: ApiObject[] = [];
  public readonly callerObjects: ApiObject[] = [];
  private readonly callers = new Map<string, Caller>();
  private key = '';
  private owner = '';
  private emitter?: Construct;
  private sides?: Sides;
  private destinationRule?: ApiObject;

  private constructor(
    private readonly app: AppScope,
    private readonly namespace: string,
    host: string,
    private readonly gateway: IEgressGateway,
    private readonly account: string | undefined,
  ) {
    super(
      `${host} from ${account === undefined ? `namespace ${namespace}` : `${namespace}/${account}`} through ` +
        `${gateway.installation.namespace}/${gateway.installation.name}`,
      host,
    );
  }

  /** Admits one more caller. The callers of all declarations of this egress path are admitted by the same servers. */
  public allow(caller: Caller): void {
    this.callers.set(`${caller._title} ${JSON.stringify(caller.podLabels)}`, caller);
    this.app.touch();
    const egressPath = { construct: this.construct, title: this.title, callers: () => [...this.callers.values()] };
    const policy = this.policy?.check(egressPath, this.sides!.gatewayRules, this.settings);
    if (policy) this.gatewayObjects.unshift(policy);
  }

  /** Emits both sides, each in the order in which it can be applied. The gateway side comes first. */
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
      ...(this.account === undefined ? [] : ['only', this.account]),
    );
    if (this.settings.policy) this.emitDestinationRule();

    const emitAtGateway = (id: string, type: any, metadata: ApiObjectMetadata, spec: () => any) =>
      this.gatewayObjects.push(this.app.emit(construct, sides.gateway, this.id(id), type, metadata, spec));
    for (const port of this.settings.ports) {
      emitAtGateway(`virtual-service-${port.name}`, VirtualService, this.metadata(namespace, port.name), () =>
        this.gatewayVirtualService(port),
      );
    }
    // After the VirtualServices: when TLS origination is added to a host in use, they must stop using the plain port
    // before the entry drops it.
    emitAtGateway('service-entry', ServiceEntry, this.metadata(namespace), () => this.externalServiceEntry());
    emitAtGateway('gateway', Gateway, this.metadata(namespace), () => this.gatewaySpec());

    const metadata = this.metadata(this.namespace);
    const rules = this.account === undefined ? sides.caller : sides.callerRules;
    this.callerObjects.push(
      this.app.emit(construct, rules, this.id('destination-rule'), DestinationRule, metadata, () =>
        this.hopDestinationRule(),
      ),
    );
    this.callerObjects.push(
      ...CallerSide.of(this.app, this.namespace, this.host, this.gateway).join(this, construct, owner, sides.caller),
    );

    const { installation } = this.gateway;
    this.app.allowedEgress.add({ by: construct, from: { namespace: this.namespace }, gateway: installation });
    this.app.allowedEgress.add({
      by: construct,
      from: { namespace, labels: installation.labels },
      to: () => [{ to: 'public', ports: externalPorts(this.settings.ports, this.origination) }],
    });
  }

  /** Emits the gateway's rule for connections to the external host: TLS origination and traffic policy. */
  public emitDestinationRule(): ApiObject {
    if (!this.destinationRule) {
      const metadata = this.metadata(this.gateway.installation.namespace);
      this.destinationRule = this.app.emit(
        this.construct,
        this.sides!.gatewayRules,
        this.id('destination-rule'),
        DestinationRule,
        metadata,
        () => this.externalDestinationRule(),
      );
      this.gatewayObjects.unshift(this.destinationRule);
    }
    this.app.touch();
    return this.destinationRule;
  }

  /** The construct that emits the objects. */
  public get construct(): Construct {
    return this.emitter!;
  }

  /** The options that all egress paths from the namespace to this host must agree about. */
  public get callerSideOptions() {
    const { ports, addresses, dnsCapture, namePrefix, labels, annotations } = this.settings;
    return { owner: this.owner, ports, addresses, dnsCapture, namePrefix, labels, annotations };
  }

  /**
   * The label sets of the pods that this path is for; each pod matches one of them. Undefined if the path is for all
   * pods without one of their own.
   */
  public get sourceLabels(): Record<string, string>[] | undefined {
    return this.account === undefined ? undefined : [...this.callers.values()].map((caller) => caller.podLabels ?? {});
  }

  private id(kind: string): string {
    return `${this.host}-for-${this.namespace}${this.account === undefined ? '' : `-${this.account}`}-${kind}`;
  }

  private metadata(namespace: string, suffix?: string): ApiObjectMetadata {
    const { namePrefix, labels, annotations } = this.settings;
    return { name: objectName(namePrefix ?? this.host, this.key, suffix), namespace, labels, annotations };
  }

  // -- private names, which no other object uses

  private hopName(port: PortSettings): string {
    return `${port.name}.${this.key}.${this.policy?.hopDomain ?? HOP_DOMAIN}`;
  }

  private get privateName(): string {
    return privateNameOf(this.host, this.key);
  }

  private hopSubset(port: PortSettings): string {
    return `${this.key}-${port.name}`;
  }

  // -- the caller side

  /** The destination of the namespace's route. */
  public hop(port: PortSettings) {
    return { host: this.gateway.installation.hopServiceHost, subset: this.hopSubset(port), port: { number: HOP_PORT } };
  }

  /** What the sidecar does with requests that it sends to the gateway. */
  public hopOptions(port: PortSettings) {
    return this.settings.opaque
      ? routeOptions(this.settings)
      : { rewrite: { authority: this.hopName(port) }, retries: this.hopRetries() };
  }

  /**
   * The gateway retries requests that fail at the external host; the sidecar retries only those that never reached the
   * gateway. Istio's default would also retry at the sidecar what the gateway reports as gRPC "unavailable" after all
   * of its own attempts, and so multiply them.
   */
  private hopRetries(): { attempts: number; retryOn?: string } {
    return this.settings.retries?.attempts === 0
      ? { attempts: 0 }
      : { attempts: 2, retryOn: 'connect-failure,refused-stream' };
  }

  /** Mutual TLS to this gateway and no other workload, with a server name for each port. */
  private hopDestinationRule(): DestinationRuleSpec {
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

  // -- the gateway side

  private gatewaySpec(): GatewaySpec {
    const { namespace, labels, trustDomain } = this.gateway.installation;
    const callers = [...new Set([...this.callers.values()].map((caller) => caller.spiffeId(trustDomain)))].sort();
    return {
      selector: labels,
      servers: this.settings.ports.map((port) => ({
        port: {
          number: HOP_PORT,
          name: `${port.name}-${this.key}`,
          protocol: this.isReadAtGateway(port) ? 'HTTPS' : 'TLS',
        },
        hosts: [`${namespace}/${this.hopName(port)}`],
        tls: { mode: 'ISTIO_MUTUAL' as any, subjectAltNames: this.policy ? undefined : callers },
      })),
    };
  }

  private gatewayVirtualService(port: PortSettings): VirtualServiceSpec {
    const { namespace } = this.gateway.installation;
    const match = [{ port: HOP_PORT }];
    const route = [{ destination: this.externalDestination(port) }];
    const isRead = this.isReadAtGateway(port);
    return {
      hosts: [this.hopName(port)],
      exportTo: ['.'],
      gateways: [`${namespace}/${objectName(this.settings.namePrefix ?? this.host, this.key)}`],
      http: isRead
        ? [{ match, rewrite: { authority: this.authority(port) }, ...routeOptions(this.settings), route }]
        : undefined,
      tcp: isRead ? undefined : [{ match, route }],
    };
  }

  /** The external destination for a port of the host: the TLS port with the originating subset, or the same port. */
  private externalDestination(port: PortSettings) {
    const { settings, origination } = this;
    if (origination && port.http) {
      return {
        host: this.privateName,
        subset: originatingSubset(speaksHttp2(port)),
        port: { number: originationPort(origination, settings.ports) },
      };
    }
    return { host: this.privateName, subset: settings.policy && PLAIN_SUBSET, port: { number: port.number } };
  }

  private externalServiceEntry(): ServiceEntrySpec {
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

  private externalDestinationRule(): DestinationRuleSpec {
    const { settings, origination } = this;
    const { policy, ports } = settings;
    const subsets = [];
    if (origination) {
      const { namespace } = this.gateway.installation;
      const number = originationPort(origination, ports);
      const tls = tlsBlock(origination, namespace);
      for (const http2 of [...new Set(ports.filter((port) => port.http).map(speaksHttp2))]) {
        subsets.push({
          name: originatingSubset(http2),
          trafficPolicy: { portLevelSettings: [portPolicy(number, policy, tls, http2)] },
        });
      }
    }
    if (policy && ports.some((port) => !(origination && port.http)))
      subsets.push({ name: PLAIN_SUBSET, trafficPolicy: policy });
    return { host: this.privateName, exportTo: ['.'], subsets };
  }

  protected get alternative(): string {
    return this.account === undefined ? '; or, for different callers, set `separateCallers` on both' : '';
  }

  /** The policy that checks the callers, if the servers cannot. */
  private get policy(): CallerPolicy | undefined {
    const { app, gateway, owner, namespace, settings, account } = this;
    const hasWholeNamespace = [...this.callers.values()].some((caller) => caller.serviceAccountName === undefined);
    if (hasWholeNamespace) return CallerPolicy.ofNamespace(app, gateway, owner, namespace);
    if (settings.forbiddenExcept === undefined) return undefined;
    return CallerPolicy.ofSet(
      app,
      gateway,
      owner,
      namespace,
      account === undefined ? settings.forbiddenExcept : `${settings.forbiddenExcept} ${account}`.trim(),
    );
  }

  /** The Host header that a client would send when it calls the host directly. */
  private authority(port: PortSettings): string {
    const { origination, settings } = this;
    const number = origination ? originationPort(origination, settings.ports) : port.number;
    return number === (origination ? 443 : 80) ? this.host : `${this.host}:${number}`;
  }

  private isReadAtGateway(port: PortSettings): boolean {
    return port.http && !this.settings.opaque;
  }
}
