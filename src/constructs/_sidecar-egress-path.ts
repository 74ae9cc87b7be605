import { isIP } from 'net';
import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { AllowedDestination } from './_allowed-egress';
import { AppScope } from './_app-scope';
import { EgressPath } from './_egress-path';
import { OneOf } from './_one-of';
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
 * The proxy resolves the name in each request. For wildcards only, and only without addresses, endpoints and subsets.
 * Envoy takes the port from the name too: `Host: a.example.com:22` on port 80 goes to port 22 (measured), so each route
 * accepts only its own port.
 */
const DYNAMIC_DNS = 'DYNAMIC_DNS';

/**
 * One host, straight from the sidecars of one namespace.
 *
 * If plain HTTP leaves as TLS, the objects are different ones: see `_sidecar-origination.ts`.
 */
export class SidecarEgressPath extends EgressPath<SidecarEgressPathSettings> {
  public static of(scope: AppScope, namespace: string, host: string): SidecarEgressPath {
    return scope.share(`sidecar ${namespace} ${host}`, () => new SidecarEgressPath(scope, namespace, host));
  }

  private readonly rulesAndRoles: ApiObject[] = [];
  private key = '';
  private rules?: Construct;
  private emitter?: Construct;
  private destinationRule?: ApiObject;
  private owner = '';
  private readonly certificateOwnerRules = new Map<string, ApiObject>();
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
    const { rulesAndRoles, privateEntry, entry, route } = this;
    const rest = privateEntry ? [privateEntry, route, entry] : [entry, route];
    return [...rulesAndRoles, ...rest.filter((object): object is ApiObject => object !== undefined)];
  }

  /**
   * Emits the objects in the order in which they can be applied: rules, then the entry, then the route to it. In the
   * reverse order, a host that is already in use without a declaration would be unreachable until the entry arrives.
   *
   * @param rules the scope for DestinationRules, including those added later, so that they come first
   */
  public emit(emitter: Construct, rules: Construct, owner: string): void {
    this.emitter = emitter;
    this.rules = rules;
    this.owner = owner;
    OneOf.egressPath(this.app, this.namespace, this.host).state(emitter, 'straight from the sidecar');
    this.key = keyOf('sidecar', owner, this.namespace, this.host);
    if (this.settings.policy) this.emitDestinationRule();
    const metadata = this.metadata();
    // With one address for all names below a domain, TLS without a server name could go to any of them.
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
    this.app.allowedEgress.add({
      by: emitter,
      from: { namespace: this.namespace },
      to: () => this.allowedDestinations(),
    });
  }

  /** Makes plain HTTP leave as TLS. Returns the rules that originate it. */
  public originate(settings: OriginationSettings): ApiObject[] {
    const rules = settings.certificateOwners ? this.emitCertificateOwnerRules(settings) : [this.emitDestinationRule()];
    if (!this.privateEntry) {
      this.privateEntry = this.app.emit(
        this.emitter!,
        this.rules!,
        `${this.host}-external-service-entry`,
        ServiceEntry,
        this.metadata('outside'),
        () => externalEntry(this.shape),
      );
      // The route leads to the private entry. The host's own entry, which has no endpoints, comes last.
      this.entry!.addDependency(this.route!);
    }
    this.app.touch();
    return rules;
  }

  /** Emits the rule with the traffic policy and the TLS origination for all pods without a rule of their own. */
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
      this.rulesAndRoles.push(this.destinationRule);
    }
    return this.destinationRule;
  }

  /** Emits the rules by which workloads present a client certificate, with the Roles that these need. */
  private emitCertificateOwnerRules(settings: OriginationSettings): ApiObject[] {
    return settings.certificateOwners!.map((certificateOwner) => {
      const pods = keyOf('holder', ...Object.entries(certificateOwner.podLabels).sort().flat());
      const reader = SecretReader.of(this.app, this.owner, this.namespace, certificateOwner.serviceAccountName);
      if (settings.clientSecret !== undefined) this.rulesAndRoles.push(...reader.emit(this.rules!, this.settings));
      let rule = this.certificateOwnerRules.get(pods);
      if (!rule) {
        rule = this.emitCertificateOwnerRule(settings, certificateOwner, pods);
        this.certificateOwnerRules.set(pods, rule);
        this.rulesAndRoles.push(rule);
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

  /** Set if plain HTTP leaves as TLS. */
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

  /** Where the sidecars connect to: fixed addresses if all are known, otherwise whatever DNS returns. */
  private allowedDestinations(): AllowedDestination[] {
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
