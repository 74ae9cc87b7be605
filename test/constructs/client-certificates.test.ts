import { ApiObject, App, Chart } from 'cdk8s';
import * as kplus from 'cdk8s-plus-33';
import { GatewayEgress } from '../../src/constructs/gateway-egress';
import { SidecarEgress, SidecarEgressProps } from '../../src/constructs/sidecar-egress';
import { TlsOriginationOptions } from '../../src/constructs/tls-origination-options';
import { Caller } from '../../src/values/caller';
import { CertificateAuthority } from '../../src/values/certificate-authority';
import { ClientCertificate } from '../../src/values/client-certificate';
import { EgressPort } from '../../src/values/egress-port';
import { admissionProblems } from '../support/admission';
import { allManifests, newApp, refusal, the } from '../support/app';
import { helmGateway } from '../support/helm-gateway';

const HOST = 'api.partner.com';
const SECRET = ClientCertificate.fromSecret('client');
const caller = (name: string, podLabels: Record<string, string> = { app: name }) =>
  Caller.serviceAccount('payments', name, { podLabels });

interface Certificate extends TlsOriginationOptions {
  readonly id?: string;
}

const sidecar =
  (props: Partial<SidecarEgressProps>, ...certificates: Certificate[]) =>
  (app: App) => {
    const chart = new Chart(app, 'chart', { namespace: 'payments' });
    const egress = new SidecarEgress(chart, 'sites', { hosts: [HOST], ...props });
    for (const { id = 'tls', ...options } of certificates)
      egress.originateTls(id, { clientCertificate: SECRET, callers: [caller('checkout')], ...options });
    return chart;
  };

/** What an app emits; an API server with Istio takes each of it. */
function emitted(build: (app: App) => unknown): any[] {
  const app = newApp();
  build(app);
  const manifests = allManifests(app);
  expect(manifests.filter(({ apiVersion }) => apiVersion.includes('istio.io')).flatMap(admissionProblems)).toEqual([]);
  return manifests;
}

const entries = (manifests: any[]) => ({
  host: manifests.find(({ kind, spec }) => kind === 'ServiceEntry' && spec.hosts[0] === HOST),
  external: manifests.find(({ kind, spec }) => kind === 'ServiceEntry' && spec.hosts[0] !== HOST),
});
const rules = (manifests: any[]) => manifests.filter(({ kind }) => kind === 'DestinationRule');
const tlsOf = (rule: any) => rule.spec.subsets[0].trafficPolicy.portLevelSettings[0].tls;

describe('at the sidecar', () => {
  test(
    "only the route leads to the host's addresses; plain HTTP goes to a subset that only the rule for the " +
      'callers defines',
    () => {
      const manifests = emitted(sidecar({}, {}));
      const { host, external } = entries(manifests);
      expect(host.spec).toMatchObject({ resolution: 'STATIC', exportTo: ['.'] });
      expect(host.spec.endpoints).toBeUndefined();
      expect(external.spec).toMatchObject({
        resolution: 'DNS',
        endpoints: [{ address: HOST }],
        ports: [{ number: 443, protocol: 'TLS' }],
      });
      const { http, tls } = the('VirtualService', manifests).spec;
      expect(http[0].route[0].destination).toEqual({
        host: external.spec.hosts[0],
        subset: 'tls',
        port: { number: 443 },
      });
      expect(tls[0].route[0].destination).toEqual({ host: external.spec.hosts[0], port: { number: 443 } });
      const [rule] = rules(manifests);
      expect(rule.spec.workloadSelector).toEqual({ matchLabels: { app: 'checkout' } });
      expect(tlsOf(rule)).toEqual({ mode: 'MUTUAL', credentialName: 'client', sni: HOST, subjectAltNames: [HOST] });
    },
  );

  test('the service account may list Secrets, as istiod requires; one Role for all of its certificates', () => {
    const manifests = emitted(sidecar({ hosts: [HOST, 'b.example.com'] }, {}));
    const role = the('Role', manifests);
    expect(role.metadata.namespace).toBe('payments');
    expect(role.rules).toEqual([{ apiGroups: [''], resources: ['secrets'], verbs: ['list'] }]);
    expect(role.metadata.annotations['cdk8s-istio-egress/note']).toMatch(/may list Secrets here/);
    const binding = the('RoleBinding', manifests);
    expect(binding.roleRef.name).toBe(role.metadata.name);
    expect(binding.subjects).toEqual([{ kind: 'ServiceAccount', name: 'checkout', namespace: 'payments' }]);
  });

  test('from files: no Secret, and no right to read Secrets', () => {
    const manifests = emitted(
      sidecar(
        {},
        {
          clientCertificate: ClientCertificate.fromFiles('/etc/client/tls.crt', '/etc/client/tls.key'),
          certificateAuthority: CertificateAuthority.fromFile('/etc/client/ca.crt'),
        },
      ),
    );
    expect(manifests.filter(({ apiVersion }) => apiVersion.startsWith('rbac'))).toEqual([]);
    expect(tlsOf(rules(manifests)[0])).toMatchObject({
      mode: 'MUTUAL',
      clientCertificate: '/etc/client/tls.crt',
      privateKey: '/etc/client/tls.key',
      caCertificates: '/etc/client/ca.crt',
    });
    expect(rules(manifests)[0].spec.workloadSelector).toBeDefined();
  });

  test('everything that the route needs precedes it, and the entry that opens the host comes last', () => {
    const kinds = emitted(sidecar({}, {}, { id: 'more', callers: [caller('ledger')] })).map(({ kind }) => kind);
    expect(kinds.slice(-2)).toEqual(['VirtualService', 'ServiceEntry']);
    expect(kinds.indexOf('Role')).toBeLessThan(kinds.indexOf('DestinationRule'));
  });

  test('each caller may have its own certificate; the rules select by labels and are named after them', () => {
    const one = emitted(sidecar({}, {}));
    const two = emitted(
      sidecar(
        {},
        {},
        { id: 'more', callers: [caller('ledger')], clientCertificate: ClientCertificate.fromSecret('ledger-client') },
      ),
    );
    expect(rules(two).map((rule) => [rule.spec.workloadSelector.matchLabels.app, tlsOf(rule).credentialName])).toEqual([
      ['checkout', 'client'],
      ['ledger', 'ledger-client'],
    ]);
    const names = new Map(
      two.map((manifest) => [`${manifest.kind} ${manifest.metadata.name}`, JSON.stringify(manifest)]),
    );
    for (const manifest of one)
      expect(names.get(`${manifest.kind} ${manifest.metadata.name}`)).toBe(JSON.stringify(manifest));
  });

  test('pods without a certificate keep the traffic policy, but no originating subset', () => {
    const manifests = emitted(sidecar({ connectionPool: { maxConnections: 7 } }, {}));
    const plain = rules(manifests).find(({ spec }) => spec.workloadSelector === undefined);
    expect(plain.spec.subsets).toEqual([
      { name: 'plain', trafficPolicy: { connectionPool: { tcp: { maxConnections: 7 } } } },
    ]);
    expect(the('VirtualService', manifests).spec.tls[0].route[0].destination.subset).toBe('plain');
  });

  test('addresses, endpoints, HTTP/2 and TCP ports take the same egress path', () => {
    const ports = [EgressPort.http(), EgressPort.grpc(50051), EgressPort.tls(), EgressPort.tcp(5432)];
    const manifests = emitted(sidecar({ ports, addresses: ['203.0.113.9'], endpoints: ['203.0.113.77'] }, {}));
    const { host, external } = entries(manifests);
    expect(host.spec.addresses).toEqual(['203.0.113.9']);
    expect(external.spec).toMatchObject({ resolution: 'STATIC', endpoints: [{ address: '203.0.113.77' }] });
    const { http, tcp } = the('VirtualService', manifests).spec;
    expect(http.map(({ route }: any) => route[0].destination.subset)).toEqual(['tls', 'tls-http2']);
    expect(tcp[0].route[0].destination.host).toBe(external.spec.hosts[0]);
    const http2 = rules(manifests)[0].spec.subsets.find(({ name }: any) => name === 'tls-http2');
    expect(http2.trafficPolicy.portLevelSettings[0].connectionPool.http.h2UpgradePolicy).toBe('UPGRADE');
  });

  test.each<[string, (app: App) => unknown, RegExp]>([
    [
      'no callers',
      sidecar({}, { callers: undefined }),
      /callers: none given, but only named workloads can hold a certificate at the sidecar.*Caller\.workload\(deployment\)/,
    ],
    ['an empty list of callers', sidecar({}, { callers: [] }), /callers: none given/],
    [
      'a whole namespace',
      sidecar({}, { callers: [Caller.wholeNamespace('payments')] }),
      /callers\[0\]: the whole namespace payments cannot hold a certificate.*labels/,
    ],
    [
      'a caller without labels',
      sidecar({}, { callers: [Caller.serviceAccount('payments', 'checkout')] }),
      /callers\[0\]: payments\/checkout has no pod labels.*podLabels: \{ app: "…" \}/,
    ],
    [
      'a caller elsewhere',
      sidecar({}, { callers: [Caller.serviceAccount('other', 'x', { podLabels: { app: 'x' } })] }),
      /callers\[0\]: other\/x is not in namespace "payments".*write a SidecarEgress for other/,
    ],
    [
      'callers without a certificate',
      sidecar({}, { clientCertificate: undefined }),
      /callers: only decide who presents a client certificate, and there is none/,
    ],
    [
      'pods that two certificates are for',
      sidecar({}, {}, { id: 'more', callers: [caller('ledger', { tier: 'back' })] }),
      /\[chart\/sites\/more\].*is originated by \[chart\/sites\/tls\] already for pods labelled app=checkout, and one pod could carry those labels and tier=back.*different values/,
    ],
    [
      'simple TLS beside a certificate',
      (app: App) => {
        const chart = new Chart(app, 'chart', { namespace: 'payments' });
        const egress = new SidecarEgress(chart, 'sites', { hosts: [HOST] });
        egress.originateTls('tls', { clientCertificate: SECRET, callers: [caller('checkout')] });
        egress.originateTls('more');
      },
      /\[chart\/sites\/more\].*originated by \[chart\/sites\/tls\] already/,
    ],
    [
      'two ports',
      sidecar({}, {}, { id: 'more', callers: [caller('ledger')], port: 8443 }),
      /already on another port, and a namespace has one route to a host/,
    ],
    [
      'a Secret and other authorities',
      sidecar({}, { certificateAuthority: CertificateAuthority.system() }),
      /certificateAuthority: not together with the client certificate from Secret "client"/,
    ],
  ])('%s: refused', (_name, build, message) => {
    const { message: found, written } = refusal(build);
    expect(found).toMatch(message);
    expect(written).toEqual([]);
  });
});

describe('a Secret of the app', () => {
  const secret = (chart: Chart, keys: string[], namespace?: string) =>
    new ApiObject(chart, 'secret', {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'client', namespace },
      stringData: Object.fromEntries(keys.map((key) => [key, 'PEM'])),
    });
  const FULL = ['tls.crt', 'tls.key', 'ca.crt'];

  test('with the right keys, in the namespace of its readers, is accepted', () => {
    expect(emitted((app) => secret(sidecar({}, {})(app), FULL)).length).toBeGreaterThan(0);
  });

  test('without an authority stops synth at the construct that reads it', () => {
    const { message } = refusal((app) => void secret(sidecar({}, {})(app), ['tls.crt', 'tls.key']));
    expect(message).toMatch(/\[chart\/sites\] credential-secret: .*\[chart\/secret\], which has no ca\.crt\./);
  });

  test('of cdk8s-plus is read as well', () => {
    const { message } = refusal(
      (app) =>
        void new kplus.Secret(sidecar({}, {})(app), 'secret', {
          metadata: { name: 'client' },
          stringData: { 'tls.crt': 'PEM', 'ca.crt': 'PEM' },
        }),
    );
    expect(message).toMatch(/credential-secret: .*which has no tls\.key\./);
  });

  test("in the callers' namespace has no effect for a gateway", () => {
    const { message } = refusal((app) => {
      const chart = new Chart(app, 'chart', { namespace: 'payments' });
      const gateway = helmGateway(chart);
      new GatewayEgress(chart, 'partner', {
        gateway,
        hosts: [HOST],
        callers: [Caller.serviceAccount('payments', 'checkout')],
      }).originateTls('tls', { clientCertificate: SECRET });
      secret(chart, FULL);
    });
    expect(message).toMatch(
      /\[chart\/partner\] credential-secret: .*a Secret "client" in namespace egress, but there is only Secret payments\/client/,
    );
  });
});

test('at a gateway the callers are those of the egress', () => {
  const { message } = refusal((app) => {
    const chart = new Chart(app, 'chart', { namespace: 'payments' });
    const gateway = helmGateway(chart);
    new GatewayEgress(chart, 'partner', {
      gateway,
      hosts: [HOST],
      callers: [Caller.serviceAccount('payments', 'checkout')],
    }).originateTls('tls', { clientCertificate: SECRET, callers: [caller('checkout')] });
  });
  expect(message).toMatch(/callers: \[chart\/partner\] itself names the callers/);
});
