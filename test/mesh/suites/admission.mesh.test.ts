/**
 * An API server with Istio's CRDs and webhook admits what constructs emit without a warning, and `istioctl analyze`
 * reports nothing.
 */
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import * as fc from 'fast-check';
import { stringify } from 'yaml';
import { admissionCases } from '../../model/admission-cases';
import { manifestsFor, team, TeamPlan, teams } from '../../promises/plans';
import { meshExamples } from '../examples';
import { KubeObject } from '../lab';
import { run } from '../lab/processes';
import { describeMesh, findingText, Mesh } from '../support';

const APPS = 200;
const SEED = 20_260_827;

const table = { callers: [{ name: 'nobody', namespace: 'shop', serviceAccount: 'nobody' }], external: [] };

/** False findings of istioctl. */
const FALSE_POSITIVES: {
  readonly code: string;
  readonly about: (object: KubeObject) => boolean;
  readonly reason: string;
}[] = [
  {
    code: 'IST0129', // a rule without caCertificates
    about: ({ spec }) =>
      (JSON.stringify(spec).match(/"credentialName":"configmap:\/\//g) ?? []).length ===
      (JSON.stringify(spec).match(/"mode":"SIMPLE"/g) ?? []).length,
    reason:
      'the authorities come from the ConfigMap in credentialName, which the analyzer does not know; ' +
      'the suite `authorities` shows that they are checked',
  },
  {
    code: 'IST0134', // an entry for TCP without addresses
    about: ({ kind, spec }) =>
      kind === 'ServiceEntry' && spec.hosts.every((host: string) => host.endsWith('.egress.internal')),
    reason: "a private name that only the gateway's own tcp route uses: no connection is matched by its address",
  },
];

describeMesh('what constructs emit', { table }, (mesh) => {
  test.each(meshExamples().map(({ name, manifests }) => [name, manifests] as const))(
    '%s is admitted without a warning',
    async (_, manifests) => {
      expect((await mesh.lab.validate(manifests)).map(findingText)).toEqual([]);
    },
  );

  test(`${APPS} generated apps are admitted without a warning`, async () => {
    const wrong: string[] = [];
    let objects = 0;
    for (const plans of fc.sample(teams, { numRuns: APPS, seed: SEED })) {
      const manifests = manifestsFor(plans);
      objects += manifests.length;
      wrong.push(...(await mesh.lab.validate(manifests)).map(findingText));
    }
    console.log(`${objects} objects of ${APPS} generated apps`);
    expect(wrong).toEqual([]);
  });

  test('what the model takes for rejected is rejected, and nothing else', async () => {
    const cases = admissionCases(process.env.MESH_ISTIO);
    const found = new Map(
      (await mesh.lab.validate(cases.map(({ object }) => object)))
        .filter(({ error }) => error !== undefined)
        .map(({ object, source }) => [object, source === 'schema' ? 'schema' : 'webhook']),
    );
    const wrong = cases
      .map(({ what, rejectedBy, object: { kind, metadata } }) => ({
        of: `${kind}, ${what}`,
        rejectedBy,
        seen: found.get(`${kind}/${metadata.namespace}/${metadata.name}`),
      }))
      .filter(({ rejectedBy, seen }) => rejectedBy !== seen);
    console.log(`${cases.length} objects, ${found.size} of them rejected`);
    expect(wrong).toEqual([]);
  });

  test('invalid objects are refused or warned about: this suite can fail', async () => {
    const entry = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'ServiceEntry',
      metadata: { name: 'a', namespace: 'shop' },
    };
    const port = { number: 443, name: 'tls', protocol: 'TLS' };
    const spec = { hosts: ['a.example.com'], resolution: 'DNS', ports: [port] };
    const found = await mesh.lab.validate([
      { ...entry, spec: { ...spec, export: ['.'] } },
      { ...entry, spec: { ...spec, ports: [port, { ...port, name: 'other' }] } },
      { ...entry, spec: { ...spec, hosts: ['*.example.com'] } },
      {
        ...entry,
        spec: {
          ...spec,
          addresses: ['10.0.0.0/8'],
          resolution: 'NONE',
          ports: [{ ...port, number: 80, protocol: 'TCP', targetPort: 8080 }],
        },
      },
    ]);
    expect(found.map(({ source }) => source)).toEqual(expect.arrayContaining(['schema', 'istio']));
  });

  test.each(meshExamples().map(({ name, manifests }) => [name, manifests] as const))(
    'istioctl analyze finds nothing in %s',
    async (_, manifests) => {
      expect(await analyse(mesh, manifests)).toEqual([]);
    },
  );

  test('istioctl analyze finds nothing in a cluster of generated teams', async () => {
    const names = fc.sample(fc.stringMatching(/^[a-z][a-z0-9]{6,12}$/), { numRuns: 120, seed: SEED });
    const plans = [...new Set(names)].flatMap((name, index): TeamPlan[] =>
      fc.sample(team(name), { numRuns: 1, seed: SEED + index }),
    );
    const manifests = manifestsFor(plans);
    console.log(`${manifests.length} objects of ${plans.length} teams`);
    expect(await analyse(mesh, manifests)).toEqual([]);
  });

  test('istioctl analyze finds broken references: this suite can fail', async () => {
    const broken = meshExamples('f-tls')[0].manifests.map((object) =>
      object.kind !== 'VirtualService'
        ? object
        : JSON.parse(JSON.stringify(object).replace(/"subset":"/g, '"subset":"no-')),
    );
    expect((await analyse(mesh, broken)).join('\n')).toMatch(/IST0101/);
  });
});

async function analyse(mesh: Mesh, manifests: KubeObject[]): Promise<string[]> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'egress-analyse-'));
  try {
    const file = path.join(folder, 'all.yaml');
    fs.writeFileSync(file, manifests.map((object) => stringify(object)).join('---\n'));
    const ended = await run(mesh.lab.files.istioctl, [
      'analyze',
      '--use-kube=false',
      '--all-namespaces',
      '-o',
      'json',
      file,
    ]);
    const messages: { code: string; level: string; origin: string; message: string }[] = JSON.parse(ended.out || '[]');
    const named = new Map(
      manifests.map((object) => [`${object.kind} ${object.metadata.namespace}/${object.metadata.name}`, object]),
    );
    return messages
      .filter(
        ({ code, origin }) =>
          !FALSE_POSITIVES.some((known) => known.code === code && named.has(origin) && known.about(named.get(origin)!)),
      )
      .map(({ code, level, origin, message }) => `${level} ${code} ${origin}: ${message}`);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
