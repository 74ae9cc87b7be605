/** What `RegistryOnlyMesh.helmValues` returns, as the mesh configuration of a mesh that has no Sidecar. */
import { App, Chart } from 'cdk8s';
import { AccessRow } from '../../../src/access/access-table';
import { RegistryOnlyMesh } from '../../../src/constructs/registry-only-mesh';
import { KubeObject } from '../lab';
import { describeMesh } from '../support';

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

const lock = new RegistryOnlyMesh(new Chart(new App(), 'platform', { namespace: 'egress' }), 'lock');

describeMesh(
  'the Helm values of a lock',
  {
    table: {
      // Each namespace has a pod, so that the lab creates it.
      callers: ['checkout', 'shared', 'other'].map((name) => ({
        name,
        namespace: name === 'checkout' ? 'shop' : name,
        serviceAccount: name,
      })),
      external: [{ host: 'www.example.com', address: ADDRESS, http: 'ok', https: 'ok' }],
    },
    helmValues: lock.helmValues({ namespacesThatShareEntries: ['shared'] }),
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
      await mesh.expectRow(row);
      await mesh.apply(claim('shared'));
      await mesh.expectRow({ ...row, expect: { outcome: 'answered', via: 'sidecar' } });
      await mesh.apply(claim('shop'));
      await mesh.expectRow({ ...row, expect: { outcome: 'answered', via: 'sidecar' } });
    });
  },
);
