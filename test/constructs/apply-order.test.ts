import * as fs from 'fs';
import * as path from 'path';
import { ApiObject, App, Chart } from 'cdk8s';
import { parse, parseAllDocuments } from 'yaml';
import { ApplyOrder, Caller, EgressGateway, GatewayEgress, RegistryOnlyMesh, SidecarEgress } from '../../src';
import { allManifests, errorOf, newApp, temporaryFolder } from '../support/app';

const WAVE = 'argocd.argoproj.io/sync-wave';

function build(app: App, before: (app: App) => void = () => {}) {
  const platform = new Chart(app, 'platform');
  const payments = new Chart(app, 'payments', { namespace: 'payments' });
  new ApiObject(platform, 'namespace', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'egress' } });
  new RegistryOnlyMesh(platform, 'lock');
  const gateway = new EgressGateway(platform, 'exit', { namespace: 'egress' });
  new SidecarEgress(payments, 'sites', { hosts: ['www.example.com'] });
  before(app);
  const partner = new GatewayEgress(payments, 'partner', {
    gateway,
    hosts: ['api.partner.com'],
    callers: [Caller.serviceAccount('payments', 'checkout')],
  });
  partner.originateTls('tls');
  return { platform, payments };
}

const waves = (manifests: any[]) =>
  manifests.map(({ kind, metadata: { annotations } }) => [kind, annotations?.[WAVE]] as const);

test('Argo CD: every object of the library says its wave, also those declared before; others do not', () => {
  const app = newApp();
  build(app, ApplyOrder.argoCd);
  const found = waves(allManifests(app));
  expect(found.filter(([, wave]) => wave === undefined).map(([kind]) => kind)).toEqual(['Namespace']);
  const of = (kind: string) => [...new Set(found.filter(([one]) => one === kind).map(([, wave]) => Number(wave)))];
  expect({
    lock: of('Sidecar'),
    servers: of('Gateway'),
    pods: of('Deployment'),
  }).toMatchInlineSnapshot(`
   {
     "lock": [
       10,
     ],
     "pods": [
       5,
     ],
     "servers": [
       5,
     ],
   }
  `);
});

test('the waves are the order of the file, chart by chart and side by side', () => {
  const app = newApp();
  const { payments } = build(app, ApplyOrder.argoCd);
  const numbers = waves(payments.toJson()).map(([, wave]) => Number(wave));
  const gateway = numbers.filter((wave) => wave <= 5);
  expect(gateway).not.toEqual([]);
  expect(gateway).toEqual([...gateway].sort((a, b) => a - b));
});

test('a chart alone: nothing else is annotated', () => {
  const app = newApp();
  const { platform, payments } = build(app, (all) => ApplyOrder.argoCd(all.node.findChild('payments')));
  expect(waves(platform.toJson()).every(([, wave]) => wave === undefined)).toBe(true);
  expect(waves(payments.toJson()).every(([, wave]) => wave !== undefined)).toBe(true);
});

test("an author's own wave stays", () => {
  const app = newApp();
  const chart = new Chart(app, 'payments', { namespace: 'payments' });
  ApplyOrder.argoCd(app);
  new SidecarEgress(chart, 'sites', { hosts: ['www.example.com'], annotations: { [WAVE]: '40' } });
  expect([...new Set(waves(chart.toJson()).map(([, wave]) => wave))]).toEqual(['40']);
});

test('without a call nothing is annotated', () => {
  const app = newApp();
  build(app);
  expect(waves(allManifests(app)).every(([, wave]) => wave === undefined)).toBe(true);
});

describe('Flux', () => {
  const options = { path: './deploy/egress/', source: 'fleet' };
  const read = (folder: string, name: string) =>
    parseAllDocuments(fs.readFileSync(path.join(folder, name), 'utf8')).map((one) => one.toJS());

  test('one folder for each wave, and each Kustomization waits for the one before', () => {
    const [app, folder] = [newApp(), temporaryFolder()];
    build(app);
    ApplyOrder.flux(app, { folder, ...options });
    const folders = fs.readdirSync(folder).filter((name) => /^\d\d$/.test(name));
    const kustomizations = read(folder, 'flux.yaml');
    expect(kustomizations.map(({ spec }) => spec.path)).toEqual(folders.map((name) => `./deploy/egress/${name}`));
    expect(kustomizations.map(({ spec }) => spec.dependsOn?.[0].name)).toEqual(
      [undefined, ...folders.slice(0, -1)].map((name) => name && `egress-${name}`),
    );
    expect(kustomizations[1]).toMatchInlineSnapshot(`
     {
       "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
       "kind": "Kustomization",
       "metadata": {
         "name": "egress-01",
         "namespace": "flux-system",
       },
       "spec": {
         "dependsOn": [
           {
             "name": "egress-00",
           },
         ],
         "interval": "10m",
         "path": "./deploy/egress/01",
         "prune": true,
         "sourceRef": {
           "kind": "GitRepository",
           "name": "fleet",
         },
         "wait": true,
       },
     }
    `);
    expect(parse(fs.readFileSync(path.join(folder, 'kustomization.yaml'), 'utf8')).resources).toEqual(['flux.yaml']);
    // Every object once, in the wave that Argo CD would have it in.
    const annotated = newApp();
    build(annotated, ApplyOrder.argoCd);
    const wanted = allManifests(annotated).map(({ kind, metadata: { name, annotations } }) =>
      [kind, name, (annotations?.[WAVE] ?? '0').padStart(2, '0')].join(' '),
    );
    const written = folders.flatMap((name) =>
      read(folder, `${name}/objects.yaml`).map(({ kind, metadata }) => [kind, metadata.name, name].join(' ')),
    );
    expect(written.sort()).toEqual(wanted.sort());
  });

  test('waves of an earlier time are replaced, and nothing else is touched', () => {
    const folder = temporaryFolder();
    fs.mkdirSync(path.join(folder, '77'));
    for (const name of ['77/objects.yaml', '77/mine.yaml', 'mine.yaml'])
      fs.writeFileSync(path.join(folder, name), 'a: b\n');
    const app = newApp();
    build(app);
    ApplyOrder.flux(app, { folder, ...options });
    expect(
      ['77/objects.yaml', '77/mine.yaml', 'mine.yaml'].map((name) => fs.existsSync(path.join(folder, name))),
    ).toEqual([false, true, true]);
  });

  test('what stops synth stops it, and nothing is written', () => {
    const [app, folder] = [newApp(), temporaryFolder()];
    const { payments } = build(app);
    new SidecarEgress(payments, 'again', { hosts: ['api.partner.com'] });
    expect(errorOf(() => ApplyOrder.flux(app, { folder, ...options }))).toContain('api.partner.com');
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  test('wrong options are named', () => {
    expect(errorOf(() => ApplyOrder.flux(newApp(), { source: 'A', sourceKind: 'Git' } as never)))
      .toMatchInlineSnapshot(`
     "ApplyOrder.flux: 4 problems:
       - folder: none given; write folder: 'dist/flux'
       - path: none given; write path: './deploy/egress'
       - source: "A" is not a valid name of a source: Kubernetes allows at most 63 lower-case letters, digits and "-", beginning and ending with a letter or digit
       - sourceKind: "Git" is not one of GitRepository, OCIRepository, Bucket"
    `);
  });
});
