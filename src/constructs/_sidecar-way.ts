import { isIP } from 'net';
import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { AppScope } from './_app-scope';
import { Destination } from './_openings';
import { CertificateHolder, OriginationSettings, tlsBlock } from './_origination';
import { SecretReader } from './_secret-reader';
import { WaySettings } from './_settings';
import { CertificateShape, holderRule, hostEntry, hostRoute, outsideEntry, plainRule } from './_sidecar-certificate';
import { originationPort, outsideNameOf, outsidePorts, portPolicy, routeOptions } from './_traffic';
import { Way } from './_way';
import {
  DestinationRule, DestinationRuleSpec, ServiceEntry, ServiceEntrySpec, VirtualService, VirtualServiceSpec,
} from '../../imports/networking.istio.io';
import { isWildcardHost } from '../values/host-name';
import { hostRange } from '../values/ip-range';
import { addressInstead, keyOf, objectName } from '../values/names';
import { EgressResolution } from '../values/traffic-options';

export interface SidecarWaySettings extends WaySettings {
  readonly resolution: EgressResolution;
  readonly addresses?: string[];
  readonly endpoints?: string[];
}

/**
 * The name in the request is looked up when it is asked for. Only for wildcards, only without addresses, endpoints and subsets.
 * Envoy takes the port from there too: `Host: a.example.com:22` on port 80 leads to port 22 (measured), so the route lets none but its own pass.
 */
const DYNAMIC_DNS = 'DYNAMIC_DNS';

/**
 * One host, straight from the sidecars of one namespace.
 *
 * With TLS origination three objects guard each other (measured, each taken away in turn): the ServiceEntry leads port 80
 * to the TLS port, the DestinationRule puts TLS on port 80 both at the top and in a subset, the VirtualService sends port
 * 80 to that subset. Without the VirtualService the top-level TLS still holds; without the DestinationRule its subset is
 * missing and the call ends with 503. No two-object form fails closed on both sides.
 *
 * Where some workloads show a client certificate the objects have another shape: see `_sidecar-certificate.ts`.
 */
export class SidecarWay extends Way<SidecarWaySettings> {

  public static of(scope: AppScope, namespace: string, host: string): SidecarWay {
    return scope.share(`sidecar ${namespace} ${host}`, () => new SidecarWay(scope, namespace, host));
  }

  public readonly apiObjects: ApiObject[] = [];
  private key = '';
  private rules?: Construct;
  private emitter?: Construct;
  private destinationRule?: ApiObject;
  private owner = '';
  private readonly holders = new Map<string, ApiObject>();
  private privateEntry?: ApiObject;

  private constructor(private readonly app: AppScope, private readonly namespace: string, host: string) {
    super(`${host} from namespace ${namespace} by the sidecar`, host);
  }

  /**
   * Emits the objects, in the order in which they can be applied: rules, then routes, then the entry that opens the host.
   *
   * @param rules where DestinationRules go, also those that come later: before everything else
   */
  public emit(emitter: Construct, rules: Construct, owner: string): void {
    this.emitter = emitter;
    this.rules = rules;
    this.owner = owner;
    this.key = keyOf('sidecar', owner, this.namespace, this.host);
    if (this.settings.policy) this.emitDestinationRule();
    if (this.settings.ports.some(port => port.http)) {
      this.apiObjects.push(this.app.emit(emitter, emitter, `${this.host}-virtual-service`, VirtualService, this.metadata(), () => this.virtualService()));
    }
    const metadata = this.metadata();
    // One address for all names below a domain would lead TLS without a name to any of them.
    const labels = isWildcardHost(this.host) ? { ...metadata.labels, 'networking.istio.io/enable-autoallocate-ip': 'false' } : metadata.labels;
    this.apiObjects.push(this.app.emit(emitter, emitter, `${this.host}-service-entry`, ServiceEntry, { ...metadata, labels }, () => this.serviceEntry()));
    this.app.openings.add({ by: emitter, from: { namespace: this.namespace }, to: () => this.dialled() });
  }

  /** The rule that originates TLS, and carries the traffic policy if there is one. */
  public emitDestinationRule(): ApiObject {
    if (!this.destinationRule) {
      this.destinationRule = this.app.emit(this.emitter!, this.rules!, `${this.host}-destination-rule`, DestinationRule, this.metadata(), () => this.destinationRuleSpec());
      this.apiObjects.unshift(this.destinationRule);
    }
    this.app.touch();
    return this.destinationRule;
  }

  /** The rules by which workloads show a client certificate, each with what it needs; and the entry that they lead to. */
  public emitCertificateRules(settings: OriginationSettings): ApiObject[] {
    const rules = settings.holders!.map(holder => {
      const pods = keyOf('holder', ...Object.entries(holder.podLabels).sort().flat());
      const reader = SecretReader.of(this.app, this.owner, this.namespace, holder.serviceAccountName);
      const rights = settings.clientSecret === undefined ? [] : reader.emit(this.rules!, this.settings);
      if (!this.holders.has(pods)) this.holders.set(pods, this.emitHolderRule(settings, holder, pods));
      const rule = this.holders.get(pods)!;
      this.apiObjects.unshift(...rights, ...(this.apiObjects.includes(rule) ? [] : [rule]));
      return rule;
    });
    if (!this.privateEntry) {
      this.privateEntry = this.app.emit(this.emitter!, this.rules!, `${this.host}-outside`, ServiceEntry, this.metadata('outside'), () => outsideEntry(this.shape));
      this.apiObjects.splice(this.apiObjects.indexOf(rules[rules.length - 1]) + 1, 0, this.privateEntry);
    }
    this.app.touch();
    return rules;
  }

  private emitHolderRule(settings: OriginationSettings, holder: CertificateHolder, pods: string): ApiObject {
    const spec = () => holderRule(this.shape, settings, holder);
    const metadata = this.metadata(`for-${pods}`);
    return this.app.emit(this.emitter!, this.rules!, `${this.host}-certificate-${pods}`, DestinationRule, metadata, spec);
  }

  /** Set where client certificates are shown. */
  private get certificates(): CertificateShape | undefined {
    return this.originations.some(({ holders }) => holders) ? this.shape : undefined;
  }

  private get addresses(): string[] | undefined {
    return this.settings.dnsCapture ? [addressInstead(this.key)] : this.settings.addresses;
  }

  private get shape(): CertificateShape {
    const { namespace, host, key, settings, originations, addresses } = this;
    return { namespace, host, outsideName: outsideNameOf(host, key), key, settings: { ...settings, addresses }, originations };
  }

  /** What the sidecars dial: fixed addresses where all are known, otherwise whatever DNS says. */
  private dialled(): Destination[] {
    const { settings: { ports, endpoints }, origination } = this;
    const numbers = outsidePorts(ports, origination);
    const fixed = endpoints?.every(endpoint => isIP(endpoint) !== 0) ?? false;
    return [{ to: fixed ? { cidrs: endpoints!.map(hostRange) } : 'public', ports: numbers }];
  }

  private metadata(suffix?: string) {
    const { namePrefix, labels, annotations } = this.settings;
    return { name: objectName(namePrefix ?? this.host.replace('*', 'any'), this.key, suffix), namespace: this.namespace, labels, annotations };
  }

  private get subset(): string {
    return `tls-${this.key}`;
  }

  private serviceEntry(): ServiceEntrySpec {
    const { settings, origination, certificates } = this;
    if (certificates) return hostEntry(certificates);
    return {
      hosts: [this.host],
      exportTo: ['.'],
      location: 'MESH_EXTERNAL' as any,
      resolution: (isWildcardHost(this.host) ? DYNAMIC_DNS : settings.resolution) as any,
      addresses: this.addresses,
      endpoints: settings.endpoints?.map(address => ({ address })),
      ports: settings.ports.map(port => ({
        number: port.number,
        name: port.name,
        protocol: port.protocol,
        targetPort: origination && port.http ? originationPort(origination, settings.ports) : undefined,
      })),
    };
  }

  private virtualService(): VirtualServiceSpec {
    const { settings, origination, certificates } = this;
    if (certificates) return hostRoute(certificates);
    return {
      hosts: [this.host],
      exportTo: ['.'],
      gateways: ['mesh'],
      http: settings.ports.filter(port => port.http).map(port => ({
        match: [{ port: port.number, authority: isWildcardHost(this.host) ? { regex: `[^:]+(:${port.number})?` } : undefined }],
        ...routeOptions(settings),
        route: [{ destination: { host: this.host, subset: origination && this.subset, port: { number: port.number } } }],
      })),
    };
  }

  private destinationRuleSpec(): DestinationRuleSpec {
    const { settings, origination, certificates } = this;
    if (certificates) return plainRule(certificates);
    const { ports, policy } = settings;
    const tls = origination && tlsBlock(origination, this.namespace);
    const upgraded = tls ? ports.filter(port => port.http).map(port => portPolicy(port.number, policy, tls)) : undefined;
    return {
      host: this.host,
      exportTo: ['.'],
      trafficPolicy: { ...policy, portLevelSettings: upgraded },
      subsets: upgraded && [{ name: this.subset, trafficPolicy: { portLevelSettings: upgraded } }],
    };
  }
}
