/** Traps that stop synth across constructs: each value is valid by itself, but not together with the others. */
import { ApiObject, Chart, JsonPatch } from 'cdk8s';
import { object, partner, Stopped } from './stops';
import { RegistryOnlyMesh } from '../../src/constructs/registry-only-mesh';
import { SidecarEgress } from '../../src/constructs/sidecar-egress';
import { ClientCertificate } from '../../src/values/client-certificate';

const HOST = 'api.partner.com';
const http = { number: 80, name: 'http', protocol: 'HTTP' };
const tls = { number: 443, name: 'tls', protocol: 'TLS' };

/** A host that requires a client certificate, and the Secret that should contain it. */
function certificate(chart: Chart, metadata: object, keys: string[]): void {
  partner(chart).originateTls('tls', { clientCertificate: ClientCertificate.fromSecret('partner-client') });
  new ApiObject(chart, 'secret', {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata,
    stringData: Object.fromEntries(keys.map((key) => [key, 'PEM'])),
  } as any);
}

/** Traps found by the validation at synth. */
export const ACROSS: Stopped[] = [
  {
    trap: 6,
    name: "the client's Secret in the callers' namespace instead of the gateway's",
    write: (chart) => certificate(chart, { name: 'partner-client' }, ['tls.crt', 'tls.key', 'ca.crt']),
    says: /credential-secret: .*partner-client/,
  },
  {
    trap: 7,
    name: "a client's Secret without the CA certificate",
    write: (chart) => certificate(chart, { name: 'partner-client', namespace: 'egress' }, ['tls.crt', 'tls.key']),
    says: /credential-secret: .*ca\.crt/,
  },
  {
    trap: 10,
    name: 'a subset that was patched away',
    write: (chart) =>
      partner(chart)
        .callerObjects.filter(({ kind }) => kind === 'DestinationRule')
        .forEach((rule) => rule.addJsonPatch(JsonPatch.remove('/spec/subsets/0'))),
    says: /missing-subset: .*http-80/,
  },
  {
    trap: 16,
    name: "another author's DestinationRule for the same host",
    write: (chart) => {
      new SidecarEgress(chart, 'site', { hosts: [HOST], outlierDetection: { consecutive5xxErrors: 3 } });
      object(
        chart,
        'DestinationRule',
        { name: 'own' },
        { host: HOST, trafficPolicy: { connectionPool: { tcp: { maxConnections: 1 } } } },
      );
    },
    says: /destination-rule-conflict: /,
  },
  {
    trap: 17,
    name: "another author's VirtualService for the same host",
    write: (chart) => {
      partner(chart);
      object(
        chart,
        'VirtualService',
        { name: 'own' },
        { hosts: [HOST], exportTo: ['.'], http: [{ route: [{ destination: { host: HOST } }] }] },
      );
    },
    says: /mesh-route-conflict: /,
  },
  {
    trap: 23,
    name: "a plain HTTP server on the hop's port",
    write: (chart) => {
      partner(chart);
      object(
        chart,
        'Gateway',
        { name: 'own', namespace: 'egress' },
        {
          selector: { app: 'istio-egressgateway', istio: 'egressgateway' },
          servers: [{ port: { number: 443, name: 'http', protocol: 'HTTP' }, hosts: ['a.example.com'] }],
        },
      );
    },
    says: /gateway-server-conflict: /,
  },
  {
    trap: 33,
    name: 'another entry for the host, with another resolution',
    write: (chart) => {
      new SidecarEgress(chart, 'site', { hosts: [HOST] });
      object(
        chart,
        'ServiceEntry',
        { name: 'own' },
        { hosts: [HOST], exportTo: ['.'], resolution: 'NONE', ports: [http] },
      );
    },
    says: /service-entry-conflict: .*resolution/,
  },
  {
    trap: 34,
    name: 'another entry for the host, with another protocol',
    write: (chart) => {
      new SidecarEgress(chart, 'site', { hosts: [HOST] });
      object(
        chart,
        'ServiceEntry',
        { name: 'own' },
        { hosts: [HOST], exportTo: ['.'], resolution: 'DNS', ports: [{ ...tls, protocol: 'TCP' }] },
      );
    },
    says: /service-entry-conflict: .*(protocol|TCP)/,
  },
  {
    trap: 51,
    name: 'a Sidecar that does not import the host',
    write: (chart) => {
      partner(chart);
      object(
        chart,
        'Sidecar',
        { name: 'default' },
        { egress: [{ hosts: ['istio-system/*'] }], outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } },
      );
    },
    says: /sidecar-hides-host: .*api\.partner\.com/,
  },
  {
    trap: 52,
    name: 'a Sidecar without a mode beside the lock',
    write: (chart) => {
      new RegistryOnlyMesh(chart, 'lock');
      object(chart, 'Sidecar', { name: 'default' }, { egress: [{ hosts: ['*/*'] }] });
    },
    says: /sidecar-without-mode: /,
  },
  {
    trap: 55,
    name: 'a second Sidecar beside the lock of a namespace',
    write: (chart) => {
      new RegistryOnlyMesh(chart, 'lock', { namespaces: ['payments'] });
      object(
        chart,
        'Sidecar',
        { name: 'own' },
        { egress: [{ hosts: ['*/*'] }], outboundTrafficPolicy: { mode: 'ALLOW_ANY' } },
      );
    },
    says: /default-sidecar-conflict: /,
  },
];
