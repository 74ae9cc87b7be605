/**
 * An istiod of a revision beside objects for it, for another one, for a tag and for none: it reads only those of its own
 * revision and those for none. The model, which does not know the revision, says nothing else of any request.
 */
import { AccessRow } from '../../../src/access/access-table';
import { modelOf } from '../../model/compare';
import { KubeObject } from '../lab';
import { describeMesh, titleOf } from '../support';

const REVISION = 'stable';
const host = (name: string) => `${name}.example.com`;

function istio(kind: string, name: string, revision: string | undefined, spec: object): KubeObject {
  const labels = revision === undefined ? undefined : { 'istio.io/rev': revision };
  return { apiVersion: 'networking.istio.io/v1', kind, metadata: { name, namespace: 'shop', labels }, spec };
}
const entry = (name: string, revision?: string) =>
  istio('ServiceEntry', name, revision, {
    hosts: [host(name)],
    location: 'MESH_EXTERNAL',
    resolution: 'DNS',
    ports: [
      { number: 80, name: 'http', protocol: 'HTTP' },
      { number: 443, name: 'tls', protocol: 'TLS' },
    ],
  });
const answers = (name: string, status: number, revision?: string) =>
  istio('VirtualService', name, revision, {
    hosts: [host(name)],
    http: [{ directResponse: { status } }],
  });

const manifests = [
  entry('own', REVISION),
  entry('other', 'canary'),
  entry('tagged', 'prod'),
  entry('unlabelled'),
  entry('routed'),
  answers('routed', 418, 'canary'),
  entry('denied'),
  answers('denied', 418, REVISION),
];
const names = ['own', 'other', 'tagged', 'unlabelled', 'routed', 'denied'];
const table = {
  mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' as const },
  callers: [{ name: 'checkout', namespace: 'shop', serviceAccount: 'checkout' }],
  external: names.map((name) => ({ host: host(name), http: 'ok' as const, https: 'ok' as const })),
};

const row = (name: string, expect: AccessRow['expect']): AccessRow => ({
  from: 'checkout',
  request: `http://${host(name)}/`,
  expect,
});
const answered = (name: string) => row(name, { outcome: 'answered', status: 200, via: 'sidecar' });
const refused = (name: string, symptom: number) => row(name, { outcome: 'refused', by: 'sidecar', symptom });
const ROWS = [
  answered('own'),
  answered('unlabelled'),
  answered('routed'),
  refused('denied', 418),
  refused('other', 502),
  refused('tagged', 502),
];

describeMesh(
  'objects for revisions',
  { table, manifests, helmValues: `pilot: { env: { REVISION: ${REVISION} } }` },
  (mesh) => {
    mesh.testRows(ROWS.map((one) => ({ title: titleOf(one), row: one })));

    const namespace: KubeObject = {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'shop', labels: { 'istio.io/rev': REVISION } },
    };
    test.each([
      ['the manifests', manifests],
      ['the manifests and the Namespace', [...manifests, namespace]],
    ])('the model of %s says nothing else', (_what, objects) => {
      const ask = modelOf(objects, { ...table, access: [] });
      const wrong = ROWS.filter(({ from, request, expect: { outcome } }) => {
        const answer = ask({ from, request });
        return ![outcome, 'undetermined'].includes(answer.outcome);
      });
      expect(wrong.map(titleOf)).toEqual([]);
      expect(ask({ from: 'checkout', request: `http://${host('unlabelled')}/` }).outcome).toBe('answered');
    });
  },
);
