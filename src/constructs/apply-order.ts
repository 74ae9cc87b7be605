import * as fs from 'fs';
import * as path from 'path';
import { App, Yaml } from 'cdk8s';
import { IConstruct } from 'constructs';
import { emittedObjects, writeWaves } from '../emission/emitted';
import { groupBy, Grouping } from '../values/grouping';
import { label, readOptions, Readers, required, text } from '../values/readers';

/** Options for `ApplyOrder.flux`. */
export interface FluxOrderOptions {
  /** The folder that is written. Waves that it holds from an earlier time are replaced. */
  readonly folder: string;

  /** Where Flux finds that folder in the source, such as `./deploy/egress`. */
  readonly path: string;

  /** The name of the source. */
  readonly source: string;

  /**
   * The kind of the source: `GitRepository`, `OCIRepository` or `Bucket`.
   *
   * @default GitRepository
   */
  readonly sourceKind?: string;

  /**
   * The namespace of the source and of the Kustomizations.
   *
   * @default flux-system
   */
  readonly namespace?: string;

  /**
   * What the names of the Kustomizations begin with.
   *
   * @default egress
   */
  readonly name?: string;
}

const SOURCE_KINDS = ['GitRepository', 'OCIRepository', 'Bucket'];

const OPTIONS: Readers<FluxOrderOptions> = {
  folder: required(text('folder', 'dist/flux', notEmpty), "; write folder: 'dist/flux'"),
  path: required(text('path', './deploy/egress', notEmpty), "; write path: './deploy/egress'"),
  source: required(label('name of a source', 'flux-system'), "; write source: 'flux-system'"),
  sourceKind: text('kind of source', 'GitRepository', (value) => {
    if (!SOURCE_KINDS.includes(value)) throw new Error(`"${value}" is not one of ${SOURCE_KINDS.join(', ')}`);
  }),
  namespace: label('namespace', 'flux-system'),
  name: label('name', 'egress'),
};

const INDEX = 'flux.yaml';
const OBJECTS = 'objects.yaml';

/**
 * Tells GitOps tools the order in which the objects can be applied without an outage.
 *
 * `kubectl apply -f` keeps the order of the file, which is right already; Argo CD, Flux and Helm sort by kind. The
 * order is one of waves: rules and policies of the gateway side first, its servers last, then the same on the caller
 * side, and at the end what closes every path that is not declared (`RegistryOnlyMesh`, `EgressBoundary`). Objects that
 * this library does not make are in wave 0, before them.
 *
 * @example
 * ApplyOrder.argoCd(app);
 * new SidecarEgress(chart, 'sites', { hosts: ['www.example.com'] });
 */
export class ApplyOrder {
  /**
   * Argo CD: writes the annotation `argocd.argoproj.io/sync-wave` on every object of this library below a scope,
   * objects that are declared later included. An object that has the annotation already keeps it.
   *
   * @param scope an app or a chart
   */
  public static argoCd(scope: IConstruct): void {
    writeWaves(scope);
  }

  /**
   * Flux: writes one folder for each wave, and Kustomizations that wait for one another. Call it beside `app.synth()`,
   * after everything is declared; it stops on whatever stops synth.
   *
   * @param app the app
   * @param options where to, and the source that holds the folder
   */
  public static flux(app: App, options: FluxOrderOptions): void {
    const {
      folder,
      source,
      sourceKind,
      namespace,
      name,
      path: at,
    } = {
      sourceKind: 'GitRepository',
      namespace: 'flux-system',
      name: 'egress',
      ...readOptions('ApplyOrder.flux', options, OPTIONS),
    };
    const waves = inWaves(app); // validates the whole app, so that nothing is written if anything is wrong
    clear(folder);
    const numbers = [...waves.keys()]
      .sort((a, b) => a - b)
      .map((wave) => ({ wave, id: String(wave).padStart(2, '0') }));
    numbers.forEach(({ wave, id }) => write(path.join(folder, id, OBJECTS), waves.get(wave)));
    const kustomizations = numbers.map(({ id }, index) => ({
      apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
      kind: 'Kustomization',
      metadata: { name: `${name}-${id}`, namespace },
      spec: {
        ...(index > 0 && { dependsOn: [{ name: `${name}-${numbers[index - 1].id}` }] }),
        interval: '10m',
        path: `${at.replace(/\/+$/, '')}/${id}`,
        prune: true,
        sourceRef: { kind: sourceKind, name: source },
        wait: true,
      },
    }));
    write(path.join(folder, INDEX), kustomizations);
    // Whoever applies the folder itself gets the Kustomizations, and not the objects past them.
    write(path.join(folder, 'kustomization.yaml'), [
      { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization', resources: [INDEX] },
    ]);
  }

  private constructor() {}
}

interface Named {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly namespace?: string; readonly name: string };
}

/** All objects of an app as they are written, by wave. */
function inWaves(app: App): Grouping<number, object> {
  const identity = ({ apiVersion, kind, metadata: { namespace, name } }: Named) =>
    JSON.stringify([apiVersion, kind, namespace, name]);
  const manifests: Named[] = app.charts.flatMap((chart) => chart.toJson()); // validates the whole app first
  const ours = new Map([...emittedObjects(app).values()].map(({ object, wave }) => [identity(object.toJson()), wave]));
  return groupBy<number, Named>(manifests, (manifest) => ours.get(identity(manifest)) ?? 0);
}

/** Deletes the waves that were written before, and nothing else. */
function clear(folder: string): void {
  if (!fs.existsSync(folder)) return;
  for (const name of fs.readdirSync(folder).filter((one) => /^\d{2}$/.test(one)))
    fs.rmSync(path.join(folder, name, OBJECTS), { force: true });
}

function write(file: string, documents: readonly object[]): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  Yaml.save(file, [...documents]);
}

function notEmpty(value: string): void {
  if (value.trim() === '') throw new Error('empty; name a folder');
}
