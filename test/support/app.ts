import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { ApiObject, App, Chart, Testing, Yaml } from 'cdk8s';
import { Construct } from 'constructs';

// One folder for all apps of a test file: cdk8s' own Testing.app() creates one for each app and never deletes it.
const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'egress-test-'));
const remove = () => fs.rmSync(outdir, { recursive: true, force: true });
if (typeof afterAll === 'function') afterAll(remove);
else process.on('exit', remove);

export function newApp(): App {
  return new App({ outdir });
}

/** Builds one chart and returns its manifests. */
export function manifestsOf(build: (chart: Chart) => void, namespace: string | undefined = 'payments'): any[] {
  const chart = new Chart(newApp(), 'chart', { namespace });
  build(chart);
  return Testing.synth(chart);
}

/** Every manifest of an app, chart by chart. */
export function allManifests(app: App): any[] {
  return app.charts.flatMap((chart) => chart.toJson());
}

/** The only object of a kind, in the given namespace if one is given. */
export function the(kind: string, manifests: any[], namespace?: string): any {
  const found = manifests.filter(
    (manifest) => manifest.kind === kind && (namespace === undefined || manifest.metadata.namespace === namespace),
  );
  if (found.length !== 1)
    throw new Error(
      `expected one ${kind}${namespace ? ` in ${namespace}` : ''}, found ` +
        `${found.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).join(', ') || 'none'}`,
    );
  return found[0];
}

/** The manifests without the paths of the constructs that they come from, which are all that may differ. */
export function withoutPaths(manifests: any[]): any[] {
  return manifests.map((manifest) => {
    const { 'cdk8s-istio-egress/constructs': paths, ...annotations } = manifest.metadata.annotations ?? {};
    return { ...manifest, metadata: { ...manifest.metadata, annotations } };
  });
}

/** All objects below a construct, in the order in which they are emitted. */
export function objectsBelow(construct: Construct): ApiObject[] {
  return construct.node.findAll().filter((child): child is ApiObject => ApiObject.isApiObject(child));
}

/** The message of what was thrown. */
export function errorOf(attempt: () => unknown): string {
  try {
    attempt();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
}

/** An empty folder. */
export function temporaryFolder(): string {
  return fs.mkdtempSync(path.join(outdir, 'out-'));
}

/** Builds and synthesises an app that must fail. Returns the error message and the files written before the error. */
export function refusal(build: (app: App) => void): { message: string; written: string[] } {
  const folder = temporaryFolder();
  const app = new App({ outdir: folder });
  const message = errorOf(() => {
    build(app);
    app.synth();
  });
  return { message, written: fs.readdirSync(folder) };
}

export type Build = (scope: Construct) => void;

/** Manifests as cdk8s writes them. */
export function yamlOf(manifests: any[]): string {
  return Yaml.stringify(...manifests);
}
