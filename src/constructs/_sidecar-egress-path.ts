import { isIP } from 'net';
import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { AppScope } from './_app-scope';
import { OneOf } from './_one-of';
import { AllowedDestination } from './_allowed-egress';
import { CertificateOwner, OriginationSettings } from './_origination';
import { SecretReader } from './_secret-reader';
import { EgressPathSettings, withUnsafe } from './_settings';
import {
  generalRule,
  certificateOwnerRule,
  hostEntry,
  hostRoute,
  OriginationShape,
  externalEntry,
} from './_sidecar-origination';
import { privateNameOf, externalPorts, routeOptions } from './_traffic';
import { EgressPath } from './_egress-path';
import {
  DestinationRule,
  DestinationRuleSpec,
  ServiceEntry,
  ServiceEntrySpec,
  VirtualService,
  VirtualServiceSpec,
} from '../../imports/networking.istio.io';
import { isWildcardHost } from '../values/host-name';
import { hostRange } from '../values/ip-range';
import { addressInstead, keyOf, objectName } from '../values/names';
import { sharedDomain } from '../values/shared-suffixes';
import { EgressResolution } from '../values/traffic-options';

export interface SidecarEgressPathSettings extends EgressPathSettings {
  readonly resolution: EgressResolution;
  readonly addresses?: string[];
  readonly endpoints?: string[];
  readonly unsafeSharedDomains: boolean;
}

/**
 * The name in the request is looked up when it is asked for. Only for wildcards, only without addresses, endpoints and
 * subsets. Envoy takes the port from there too: `Host: a.example.com:22` on port 80 leads to port 22 (measured), so the
 * route lets none but its own pass.
 */
const DYNAMIC_DNS = 'DYNAMIC_DNS';

/**
 * One host, straight from the sidecars of one namespace.
 *
 * Where plain HTTP leaves as TLS the objects have another shape: see `_sidecar-origination.ts`.
 */
export class SidecarEgressPath extends EgressPath<SidecarEgressPathSettings> {
  public static of(scope: AppScope, namespace: string, host: string): SidecarEgressPath {
    return scope.share(`sidecar ${namespace} ${host}`, () => new SidecarEgressPath(scope, namespace, host));
  }

  private readonly rulesAndRights: ApiObject[] = [];
  private key = '';
  private rules?: Construct;
  private emitter?: Construct;
  private destinationRule?: ApiObject;
  private owner = '';
  private readonly certificateOwners = new Map<string, ApiObject>();
  private privateEntry?: ApiObject;
  private entry?: ApiObject;
  private route?: ApiObject;

  private constructor(
    private readonly app: AppScope,
    private readonly namespace: string,
    host: string,
  ) {
    super(`${host} from namespace ${namespace} by the sidecar`, host);
  }

  /** Every object made so far, in the order in which it can be applied. */
  public get apiObjects(): ApiObject[] {
    const { rulesAndRights, privateEntry, entry, route } = this;
    const rest = privateEntry ? [privateEntry, route, entry] : [entry, route];
    return [...rulesAndRights, ...rest.filter((object): object is ApiObject => object !== undefined)];
  }

  /**
   * Emits the objects, in the order in which they can be applied: rules, then the entry, then the route that leads to
   * it. The other way round a host that is reached already, undeclared, would be led to nothing until the entry comes.
   *
   * @param rules where DestinationRules go, also those that come later: before everything else
   */
  public emit(emitter: Construct, rules: Construct, owner: string): void {
    this.emitter = emitter;
    this.rules = rules;
    this.owner = owner;
    OneOf.egressPath(this.app, this.namespace, this.host).state(emitter, 'straight from the sidecar');
    this.key = keyOf('sidecar', owner, this.namespace, this.host);
    if (this.settings.policy) this.emitDestinationRule();
    const metadata = this.metadata();
    // One address for all names below a domain would lead TLS without a name to any of them.
    const labels = isWildcardHost(this.host)
      ? { ...metadata.labels, 'networking.istio.io/enable-autoallocate-ip': 'false' }
      : metadata.labels;
    this.entry = this.app.emit(
      emitter,
      emitter,
      `${this.host}-service-entry`,
      ServiceEntry,
      { ...metadata, labels },
      () => this.serviceEntry(),
    );
    if (this.settings.ports.some((port) => port.http)) {
      this.route = this.app.emit(
        emitter,
        emitter,
        `${this.host}-virtual-service`,
        VirtualService,
        this.metadata(),
        () => this.virtualService(),
      );
    }
    this.app.allowedEgress.add({ by: emitter, from: { namespace: this.namespace }, to: () => this.dialled() });
  }

  /** Sends plain HTTP out as TLS; answers the rules that do it. */
  public originate(settings: OriginationSettings): ApiObject[] {
    const rules = settings.certificateOwners ? this.emitCertificateOwnerRules(settings) : [this.emitDestinationRule()];
    if (!this.privateEntry) {
      this.privateEntry = this.app.emit(
        this.emitter!,
        this.rules!,
        `${this.host}-outside`,
        ServiceEntry,
        this.metadata('outside'),
        () => externalEntry(this.shape),
      );
      // The route leads to the private entry; the host's own, without endpoints, comes last.
      this.entry!.addDependency(this.route!);
    }
    this.app.touch();
    return rules;
  }

  /** The rule that carries the traffic policy, and originates TLS for everybody. */
  private emitDestinationRule(): ApiObject {
    if (!this.destinationRule) {
      this.destinationRule = this.app.emit(
        this.emitter!,
        this.rules!,
        `${this.host}-destination-rule`,
        DestinationRule,
        this.metadata(),
        () => this.destinationRuleSpec(),
      );
      this.rulesAndRights.push(this.destinationRule);
    }
    return this.destinationRule;
  }

  /** The rules by which workloads show a client certificate, each with the rights that it needs. */
  private emitCertificateOwnerRules(settings: OriginationSettings): ApiObject[] {
    return settings.certificateOwners!.map((certificateOwner) => {
      const pods = keyOf('holder', ...Object.entries(certificateOwner.podLabels).sort().flat());
      const reader = SecretReader.of(this.app, this.owner, this.namespace, certificateOwner.serviceAccountName);
      if (settings.clientSecret !== undefined) this.rulesAndRights.push(...reader.emit(this.rules!, this.settings));
      let rule = this.certificateOwners.get(pods);
      if (!rule) {
        rule = this.emitCertificateOwnerRule(settings, certificateOwner, pods);
        this.certificateOwners.set(pods, rule);
        this.rulesAndRights.push(rule);
      }
      return rule;
    });
  }

  private emitCertificateOwnerRule(
    settings: OriginationSettings,
    certificateOwner: CertificateOwner,
    pods: string,
  ): ApiObject {
    const spec = () => certificateOwnerRule(this.shape, settings, certificateOwner);
    const metadata = this.metadata(`for-${pods}`);
    return this.app.emit(
      this.emitter!,
      this.rules!,
      `${this.host}-certificate-${pods}`,
      DestinationRule,
      metadata,
      spec,
    );
  }

  /** Set where plain HTTP leaves as TLS. */
  private get originated(): OriginationShape | undefined {
    return this.originations.length > 0 ? this.shape : undefined;
  }

  private get addresses(): string[] | undefined {
    return this.settings.dnsCapture ? [addressInstead(this.key)] : this.settings.addresses;
  }

  private get shape(): OriginationShape {
    const { namespace, host, key, settings, originations, addresses } = this;
    return {
      namespace,
      host,
      privateName: privateNameOf(host, key),
      key,
      settings: { ...settings, addresses },
      originations,
    };
  }

  /** What the sidecars dial: fixed addresses where all are known, otherwise whatever DNS says. */
  private dialled(): AllowedDestination[] {
    const {
      settings: { ports, endpoints },
      origination,
    } = this;
    const numbers = externalPorts(ports, origination);
    const fixed = endpoints?.every((endpoint) => isIP(endpoint) !== 0) ?? false;
    return [{ to: fixed ? { cidrs: endpoints!.map(hostRange) } : 'public', ports: numbers }];
  }

  private metadata(suffix?: string) {
    const { namePrefix, labels, unsafeSharedDomains } = this.settings;
    const shared = unsafeSharedDomains && isWildcardHost(this.host) && sharedDomain(this.host.slice(2)) !== undefined;
    const annotations = shared
      ? withUnsafe(this.settings.annotations, `shared domain: ${this.host}`)
      : this.settings.annotations;
    return {
      name: objectName(namePrefix ?? this.host.replace('*', 'any'), this.key, suffix),
      namespace: this.namespace,
      labels,
      annotations,
    };
  }

  private serviceEntry(): ServiceEntrySpec {
    const { settings, originated } = this;
    if (originated) return hostEntry(originated);
    return {
      hosts: [this.host],
      exportTo: ['.'],
      location: 'MESH_EXTERNAL' as any,
      resolution: (isWildcardHost(this.host) ? DYNAMIC_DNS : settings.resolution) as any,
      addresses: this.addresses,
      endpoints: settings.endpoints?.map((address) => ({ address })),
      ports: settings.ports.map(({ number, name, protocol }) => ({ number, name, protocol })),
    };
  }

  private virtualService(): VirtualServiceSpec {
    const { settings, originated } = this;
    if (originated) return hostRoute(originated);
    return {
      hosts: [this.host],
      exportTo: ['.'],
      gateways: ['mesh'],
      http: settings.ports
        .filter((port) => port.http)
        .map((port) => ({
          match: [
            {
              port: port.number,
              authority: isWildcardHost(this.host) ? { regex: `[^:]+(:${port.number})?` } : undefined,
            },
          ],
          ...routeOptions(settings),
          route: [{ destination: { host: this.host, port: { number: port.number } } }],
        })),
    };
  }

  private destinationRuleSpec(): DestinationRuleSpec {
    const { settings, originated } = this;
    return originated ? generalRule(originated) : { host: this.host, exportTo: ['.'], trafficPolicy: settings.policy };
  }
}
