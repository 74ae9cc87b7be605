import { App, Chart, Duration } from 'cdk8s';
import * as fc from '../support/fast-check';
import { GatewayEgress, GatewayHttp } from '../../src/constructs/gateway-egress';
import { InstalledEgressGateway } from '../../src/constructs/installed-egress-gateway';
import { SidecarEgress } from '../../src/constructs/sidecar-egress';
import { isHttp2 } from '../../src/istio/protocols';
import { Caller } from '../../src/values/caller';
import { CertificateAuthority } from '../../src/values/certificate-authority';
import { ClientCertificate } from '../../src/values/client-certificate';
import { EgressPort } from '../../src/values/egress-port';
import { GatewayInstallation } from '../../src/values/gateway-installation';
import { addressInstead, keyOf } from '../../src/values/names';
import { EgressLoadBalancing } from '../../src/values/traffic-options';
import { allManifests, newApp } from '../support/app';

/** What one team declares, as data: the same plan can be built with other names, twice, or next to other plans. */
export interface EgressPlan {
  readonly gateway: boolean;
  readonly hosts: string[];
  readonly ports: PortPlan[];
  readonly tls: 'none' | 'all' | 'first' | 'certificate' | 'authority';
  readonly opaque: boolean;
  readonly timeout?: number;
  readonly attempts?: number;
  readonly outlier?: number;
  readonly connections?: number;
  readonly loadBalancing?: EgressLoadBalancing;
  readonly keepHeader: boolean;
  readonly callers: string[];
  /** How TCP ports are told apart. */
  readonly tcp: 'address' | 'range' | 'dns';
  /** Wildcards below the hosts too, where the egress path supports them. */
  readonly wildcards: boolean;
  /** Who may call through a gateway: service accounts on one egress path, each on its own, or the whole namespace. */
  readonly kind: 'accounts' | 'separate' | 'namespace';
}

export interface TeamPlan {
  readonly namespace: string;
  readonly egresses: EgressPlan[];
}

type PortPlan =
  'http-80' | 'http-8080' | 'http2-8081' | 'grpc-50051' | 'tls-443' | 'tls-8443' | 'tcp-5432' | 'tcp-6379';

const PORTS: Record<PortPlan, () => EgressPort> = {
  'http-80': () => EgressPort.http(),
  'http-8080': () => EgressPort.http(8080),
  'http2-8081': () => EgressPort.http2(8081),
  'grpc-50051': () => EgressPort.grpc(50051),
  'tls-443': () => EgressPort.tls(),
  'tls-8443': () => EgressPort.tls(8443),
  'tcp-5432': () => EgressPort.tcp(5432),
  'tcp-6379': () => EgressPort.tcp(6379),
};

/** The gateway of every plan. */
export const INSTALLATION = GatewayInstallation.helmChart({ namespace: 'egress' });

const namespace = fc
  .stringMatching(/^[a-z][-a-z0-9]{0,20}[a-z0-9]$/)
  .filter((name) => !['egress', 'istio-system'].includes(name));
const account = fc.stringMatching(/^[a-z][-a-z0-9]{0,20}[a-z0-9]$/);
const longHost = fc
  .tuple(fc.integer({ min: 40, max: 63 }), fc.integer({ min: 1, max: 3 }))
  .map(([length, labels]) => `${`${'a'.repeat(length)}.`.repeat(labels)}example.com`);
/** Without names of Kubernetes Services (`a.b.svc`, one in fifty thousand), which are refused as hosts. */
const domain = fc.domain().filter((name) => name.split('.')[2] !== 'svc');
const host = fc.oneof({ weight: 5, arbitrary: domain }, { weight: 1, arbitrary: longHost });

const egress: fc.Arbitrary<Omit<EgressPlan, 'hosts'>> = fc.record({
  gateway: fc.boolean(),
  ports: fc.uniqueArray(fc.constantFrom(...(Object.keys(PORTS) as PortPlan[])), { minLength: 1 }),
  tls: fc.constantFrom('none', 'all', 'first', 'certificate', 'authority'),
  opaque: fc.boolean(),
  timeout: fc.option(fc.integer({ min: 1, max: 90_000 }), { nil: undefined }),
  attempts: fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined }),
  outlier: fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined }),
  connections: fc.option(fc.integer({ min: 1, max: 999 }), { nil: undefined }),
  loadBalancing: fc.option(fc.constantFrom(...Object.values(EgressLoadBalancing)), { nil: undefined }),
  keepHeader: fc.boolean(),
  callers: fc.uniqueArray(account, { minLength: 1, maxLength: 3 }),
  tcp: fc.constantFrom('address', 'range', 'dns'),
  wildcards: fc.boolean(),
  kind: fc.constantFrom('accounts', 'separate', 'namespace'),
});

/** One to three teams, each with up to three egresses; no host is declared twice in one namespace. */
export const teams: fc.Arbitrary<TeamPlan[]> = fc
  .uniqueArray(namespace, { minLength: 1, maxLength: 3 })
  .chain((namespaces) => fc.tuple(...namespaces.map((name) => team(name))));

/** One team. */
export const team = (name: string): fc.Arbitrary<TeamPlan> =>
  fc.uniqueArray(host, { minLength: 1, maxLength: 5 }).chain((hosts) =>
    fc.array(fc.tuple(egress, fc.integer({ min: 1, max: 3 })), { minLength: 1, maxLength: 3 }).map((plans) => {
      const left = [...hosts];
      const egresses = plans
        .map(([plan, count]) => oneAddressEach({ ...plan, hosts: left.splice(0, count) }))
        .filter((plan) => plan.hosts.length > 0);
      return { namespace: name, egresses };
    }),
  );

export interface BuildOptions {
  /** Prefixes of the ids of charts and constructs. */
  readonly charts?: string;
  readonly ids?: string;
  readonly owner?: string;
  /** Puts the gateway side into a chart of its own. */
  readonly separateGatewayChart?: boolean;
  /** Called after every step in which the app grows. */
  readonly inspect?: (app: App) => void;
}

/** Builds an app for these teams, one chart each. */
export function build(plans: TeamPlan[], options: BuildOptions = {}): App {
  const app = newApp();
  const { charts = 'chart', ids = 'id', owner, separateGatewayChart, inspect } = options;
  const gatewayChart = separateGatewayChart ? new Chart(app, `${charts}-gateway-side`) : undefined;
  for (const { namespace: name, egresses } of plans) {
    const chart = new Chart(app, `${charts}-${name}`, { namespace: name });
    const gateway = InstalledEgressGateway.fromInstallation(chart, `${ids}-exit`, INSTALLATION);
    egresses.forEach((plan, index) => {
      const ports = plan.ports.map((port) => PORTS[port]());
      const http = ports.some((port) => port.isHttp);
      const wildcards = hasWildcards(plan);
      const common = {
        hosts: wildcards ? [...plan.hosts, ...plan.hosts.map(wildcardBelow)] : plan.hosts,
        ports,
        ...tcpOptions(plan),
        owner,
        timeout: http && plan.timeout ? Duration.millis(plan.timeout) : undefined,
        retries: http && plan.attempts !== undefined ? { attempts: plan.attempts } : undefined,
        unsafeKeepHeaders: http && plan.keepHeader ? ['x-request-id'] : undefined,
        outlierDetection: plan.outlier === undefined || wildcards ? undefined : { consecutive5xxErrors: plan.outlier },
        connectionPool: plan.connections === undefined ? undefined : { maxConnections: plan.connections },
        loadBalancing: wildcards ? undefined : plan.loadBalancing,
      };
      const construct = plan.gateway
        ? new GatewayEgress(chart, `${ids}-${index}`, {
            ...common,
            gateway,
            gatewayChart,
            http: isOpaque(plan) ? GatewayHttp.OPAQUE : undefined,
            ...callersOf(name, plan),
          })
        : new SidecarEgress(chart, `${ids}-${index}`, { ...common, unsafeSharedDomains: wildcards || undefined });
      inspect?.(app);
      if (http && plan.tls !== 'none') {
        construct.originateTls(`${ids}-tls`, {
          hosts: plan.tls === 'first' ? plan.hosts.slice(0, 1) : plan.hosts,
          clientCertificate: plan.tls === 'certificate' ? ClientCertificate.fromSecret('client') : undefined,
          callers: plan.tls === 'certificate' && !plan.gateway ? labelledCallers(name, plan) : undefined,
          certificateAuthority:
            plan.tls === 'authority' ? CertificateAuthority.fromConfigMap('authorities') : undefined,
        });
      }
      inspect?.(app);
      if (construct instanceof GatewayEgress && plan.kind === 'accounts')
        construct.allowCaller(Caller.serviceAccount(name, LATECOMER));
    });
  }
  return app;
}

/** Admitted after everything else. */
const LATECOMER = 'latecomer';

/** The service accounts that a plan admits at a gateway. */
export function admittedAccounts({ callers, kind }: EgressPlan): string[] {
  return kind === 'accounts' ? [...callers, LATECOMER] : callers;
}

/** Callers that are identified by the labels of their pods. */
function labelledCallers(owner: string, { callers }: EgressPlan): Caller[] {
  return callers.map((caller) => Caller.serviceAccount(owner, caller, { podLabels: { app: caller } }));
}

function callersOf(owner: string, plan: EgressPlan): { callers: Caller[]; separateCallers?: boolean } {
  if (plan.kind === 'separate') return { callers: labelledCallers(owner, plan), separateCallers: true };
  if (plan.kind === 'namespace' && !hasTcp(plan)) return { callers: [Caller.wholeNamespace(owner)] };
  return { callers: plan.callers.map((caller) => Caller.serviceAccount(owner, caller)) };
}

const manifests = new Map<string, any[]>();

/**
 * The manifests of these teams, which are built once and cannot be changed: properties of the same plans share them.
 */
export function manifestsFor(plans: TeamPlan[], options: Omit<BuildOptions, 'inspect'> = {}): any[] {
  const key = JSON.stringify([plans, options]);
  if (!manifests.has(key)) manifests.set(key, frozen(allManifests(build(plans, options))));
  return manifests.get(key)!;
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  Object.values(value).forEach(frozen);
  return Object.freeze(value);
}

/** An app as it is written, chart by chart and with keys in their order; JSON, because YAML takes ten times as long. */
export function serialised(app: App): string[] {
  return app.charts.map((chart) => JSON.stringify(chart.toJson()));
}

/** Kind, namespace and name. */
export function identity({ kind, metadata }: any): string {
  return `${kind}/${metadata.namespace}/${metadata.name}`;
}

/** Checks a promise for forty sets of plans. */
export function forAll(promise: (plans: TeamPlan[]) => void): void {
  fc.assert(fc.property(teams, promise), fc.cases(40));
}

const hasTcp = ({ ports }: EgressPlan): boolean => ports.some((port) => port.startsWith('tcp-'));

/** Wildcards are for sidecars only, and only if the protocol of every port carries the host's name and is not HTTP/2. */
function hasWildcards(plan: EgressPlan): boolean {
  return (
    plan.wildcards && !plan.gateway && !hasTcp(plan) && !plan.ports.some((port) => isHttp2(PORTS[port]().protocol))
  );
}

/** A wildcard that covers no other host of a plan. */
function wildcardBelow(name: string): string {
  return `*.w.${name}`.length <= 253 ? `*.w.${name}` : '*.w.example.com';
}

/** Addresses are for one host only, so several hosts use the ones that the sidecar's DNS returns. */
function oneAddressEach(plan: EgressPlan): EgressPlan {
  return plan.hosts.length > 1 ? { ...plan, tcp: 'dns' } : plan;
}

function tcpOptions(plan: EgressPlan): { addresses?: string[]; dnsCapture?: boolean } {
  if (!hasTcp(plan)) return {};
  if (plan.tcp === 'dns') return { dnsCapture: true };
  const [, b, c] = addressInstead(keyOf(plan.hosts[0])).split('.');
  // Ranges are for a gateway only: at the sidecar they need resolution STATIC.
  return { addresses: [plan.tcp === 'range' && plan.gateway ? `205.${b}.${c}.0/24` : `206.${b}.${c}.7`] };
}

/** An opaque gateway cannot ask the host for HTTP/2, so no plan combines the two. */
function isOpaque(plan: EgressPlan): boolean {
  return (
    plan.opaque && !(plan.tls !== 'none' && plan.ports.some((port) => port === 'http2-8081' || port === 'grpc-50051'))
  );
}
