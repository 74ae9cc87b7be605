/**
 * What `RegistryOnlyMesh.helmValues` returns, as the mesh configuration of a mesh that has no Sidecar; and for several
 * tenants, on either line of Istio.
 */
import { App, Chart } from 'cdk8s';
import { AccessRow } from '../../../src/access/access-table';
import { EgressGateway } from '../../../src/constructs/egress-gateway';
import { GatewayEgress } from '../../../src/constructs/gateway-egress';
import { RegistryOnlyMesh } from '../../../src/constructs/registry-only-mesh';
import { Caller } from '../../../src/values/caller';
import { ISTIO_LINES, KubeObject } from '../lab';
import { describeMesh, synthesise } from '../support';

/** The line that this run has; `serviceEntryVisibility` is new in the newest. */
const LINE = process.env.MESH_ISTIO ?? ISTIO_LINES[0];
const hasVisibility = LINE === ISTIO_LINES[0];

const ADDRESS = '203.0.113.10';
const row: AccessRow = { from: 'checkout', request: `http://${ADDRESS}/`, expect: { outcome: 'refused' } };

/** An entry that claims the address, for everybody. */
const claim = (namespace: string): KubeObject[] => [
  {
    apiVersion: 'networking.istio.io/v1',
    kind: 'ServiceEntry',
    metadata: { name: 'claim', namespace },
    spec: {
      hosts: ['claim.example.com'],
      addresses: [ADDRESS],
      ports: [{ number: 80, name: 'tcp', protocol: 'TCP' }],
      resolution: 'NONE',
    },
  },
];

const app = new App();
app.node.setContext('istioVersion', LINE);
const lock = new RegistryOnlyMesh(new Chart(app, 'platform', { namespace: 'egress' }), 'lock');

/** Three namespaces with a pod each, so that the lab creates them. */
const callers = ['checkout', 'shared', 'other'].map((name) => ({
  name,
  namespace: name === 'checkout' ? 'shop' : name,
  serviceAccount: name,
}));

describeMesh(
  'the Helm values of a lock',
  {
    table: {
      callers,
      external: [{ host: 'www.example.com', address: ADDRESS, http: 'ok', https: 'ok' }],
    },
    helmValues: lock.helmValues(hasVisibility ? { namespacesThatShareEntries: ['shared'] } : {}),
  },
  (mesh) => {
    test('undeclared hosts are refused', async () => {
      await mesh.apply([]);
      await mesh.expectRow({
        ...row,
        request: 'http://www.example.com/',
        expect: { outcome: 'refused', by: 'sidecar', symptom: 502 },
      });
      await mesh.expectRow({
        ...row,
        request: 'https://www.example.com/',
        expect: { outcome: 'refused', by: 'sidecar', symptom: 'tls-closed' },
      });
    });

    test('an entry of another namespace takes no address, except one of a namespace that shares', async () => {
      await mesh.apply(claim('other'));
      await mesh.expectRow(hasVisibility ? row : { ...row, expect: { outcome: 'answered', via: 'sidecar' } });
      await mesh.apply(claim('shared'));
      await mesh.expectRow({ ...row, expect: { outcome: 'answered', via: 'sidecar' } });
      await mesh.apply(claim('shop'));
      await mesh.expectRow({ ...row, expect: { outcome: 'answered', via: 'sidecar' } });
    });
  },
);

/** What the platform's app and a team emit. */
const EXIT = { 'cdk8s-istio-egress/gateway': 'egress-gateway.egress' };
const HOST = 'api.partner.com';
const build = (imports?: string[]) =>
  synthesise((synth) => {
    const platform = new Chart(synth, 'platform', { namespace: 'egress' });
    new RegistryOnlyMesh(platform, 'lock');
    if (imports) new RegistryOnlyMesh(platform, 'shop-lock', { namespaces: ['shop'], imports });
    const gateway = new EgressGateway(platform, 'exit');
    gateway.lockdown();
    const hosts = { hosts: [HOST], callers: [Caller.serviceAccount('shop', 'checkout')] };
    new GatewayEgress(new Chart(synth, 'shop', { namespace: 'shop' }), 'partner', { gateway, ...hosts });
  });
const manifests = build();
const HOP_NAME: string = manifests
  .find(({ kind }) => kind === 'Gateway')!
  .spec.servers[0].hosts[0].split('/')
  .pop();

describeMesh(
  'what docs/tenants.md recommends',
  {
    table: {
      gateways: [{ namespace: 'egress', labels: EXIT, serviceAccount: 'egress-gateway', targetPort: 8443 }],
      callers,
      external: [
        { host: HOST, http: 'ok' },
        { host: 'www.example.com', address: ADDRESS, http: 'ok' },
      ],
    },
    manifests,
    // As an app writes them that does not state its release of Istio.
    helmValues: new RegistryOnlyMesh(new Chart(new App(), 'any'), 'lock').helmValues({ severalTenants: true }),
  },
  (mesh) => {
    const partner: AccessRow = {
      from: 'checkout',
      request: `http://${HOST}/`,
      expect: { outcome: 'answered', via: 'gateway' },
    };

    test('a Gateway of another namespace with a name of the hop has no effect', async () => {
      const server = {
        port: { number: 443, name: 'foreign', protocol: 'HTTPS' },
        hosts: [HOP_NAME],
        tls: { mode: 'ISTIO_MUTUAL' },
      };
      const foreign: KubeObject = {
        apiVersion: 'networking.istio.io/v1',
        kind: 'Gateway',
        metadata: { name: 'foreign', namespace: 'other' },
        spec: { selector: EXIT, servers: [server] },
      };
      await mesh.apply([...manifests, foreign]);
      await mesh.expectRow(partner);
    });

    test('an entry of another namespace takes no address, before 1.31 where a lock imports less', async () => {
      const objects = hasVisibility ? manifests : build(['./*', 'istio-system/*', 'egress/*']);
      await mesh.apply([...objects, ...claim('other')]);
      await mesh.expectRow(row);
      await mesh.expectRow(partner);
      if (hasVisibility) return;
      await mesh.apply([...manifests, ...claim('other')]);
      await mesh.expectRow({ ...row, expect: { outcome: 'answered', via: 'sidecar' } });
    });
  },
);

describeMesh(
  'a mesh that hides Services by default',
  {
    table: {
      gateways: [{ namespace: 'egress', labels: EXIT, serviceAccount: 'egress-gateway', targetPort: 8443 }],
      callers,
      external: [{ host: HOST, http: 'ok' }],
    },
    manifests,
    helmValues: 'meshConfig: { defaultServiceExportTo: ["."] }',
  },
  (mesh) => {
    const partner = { from: 'checkout', request: `http://${HOST}/` };

    test('still sees the hop Service, which says so itself', async () => {
      await mesh.apply(manifests);
      await mesh.expectRow({ ...partner, expect: { outcome: 'answered', via: 'gateway' } });
    });

    test('does not without its annotation: this check can fail', async () => {
      const hidden = manifests.map((object) =>
        object.kind === 'Service' ? { ...object, metadata: { ...object.metadata, annotations: {} } } : object,
      );
      await mesh.apply(hidden);
      await mesh.expectRow({ ...partner, expect: { outcome: 'refused' } });
    });
  },
);
