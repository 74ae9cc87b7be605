/**
 * What `lint` and `istioctl analyze` find in the same manifests: `npx tsx test/lint/compare.ts <istioctl> [folders]`.
 * First the configurations of test/model/broken and the recipes of recipes.ts, then the folders. Every folder is divided
 * into sets that are applied together, as `lint` does, and each set is given to both. Of istioctl's messages, those about
 * kinds and checks that decide about requests are counted; the others are counted apart.
 *
 * The public repositories of docs/lint.md: Pankaj-chaudhary/istio-mtls, rewt/external-https,
 * npolshakova/egress-gateway-examples, romanovsavelij/BITDevOps, fkesheh/istio-mesh-test,
 * davydehaas98/istio-configuration, kiali/demos, leegyeongyoon/kubernetes, suslmk-lee/pf-trafficAcc,
 * kwonghung-YIP/istio-testbed, eitansuez/egress-authz, gregclinker/istio-servicemesh-demo.
 */
import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { stringify } from 'yaml';
import { RECIPES } from './recipes';
import { lintWorlds } from '../../src/lint/lint';
import { worldsOf } from '../../src/lint/worlds';
import { nameOf } from '../../src/manifests/indexed';
import { readAll } from '../../src/reading/read-manifests';
import { EgressObject } from '../../src/rules';
import { brokenConfigurations } from '../model/broken';

/** A message of istioctl. */
export interface Analysis {
  readonly code: string;
  readonly level: string;
  readonly origin: string;
  readonly message: string;
}

/** What both say about one object. */
export interface Compared {
  readonly object: string;
  readonly lint: readonly string[];
  readonly analyze: readonly string[];
}

/** Messages of istioctl that say nothing about what happens to a request that leaves the mesh. */
const OTHER_SUBJECTS = new Set([
  'IST0002', // deprecated fields
  'IST0102', // namespace not injected
  'IST0103', // pod without proxy
  'IST0107', // annotations
  'IST0108',
  'IST0118', // names of Service ports
  'IST0125',
  'IST0135',
  'IST0136',
  'IST0137', // host ports
  'IST0143', // an application that listens on localhost
  'IST0144',
  'IST0146',
  'IST0151', // EnvoyFilters
  'IST0152',
  'IST0153',
  'IST0154',
  'IST0155',
  'IST0157', // telemetry
  'IST0159',
  'IST0160',
]);

/** Runs istioctl on objects. */
export function analyse(istioctl: string, objects: readonly EgressObject[]): Analysis[] {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'egress-analyse-'));
  try {
    const file = path.join(folder, 'all.yaml');
    fs.writeFileSync(file, objects.map(({ manifest }) => stringify(manifest)).join('---\n'));
    const args = ['analyze', '--use-kube=false', '--all-namespaces', '-o', 'json', file];
    try {
      return parsed(execFileSync(istioctl, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
    } catch (error) {
      // It exits with an error where it finds one.
      return parsed((error as { stdout?: string }).stdout ?? '');
    }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function parsed(text: string): Analysis[] {
  return text.trim().startsWith('[') ? JSON.parse(text) : [];
}

/** What both find in one set of objects, by object. */
export function compareWorld(objects: readonly EgressObject[], messages: readonly Analysis[]): Compared[] {
  const found = new Map<string, { lint: Set<string>; analyze: Set<string> }>();
  const at = (object: string) => {
    if (!found.has(object)) found.set(object, { lint: new Set(), analyze: new Set() });
    return found.get(object)!;
  };
  for (const { code, object, others } of lintWorlds([objects]).result.findings)
    for (const one of [object, ...others]) at(nameOf(one)).lint.add(code);
  // It names an object as it is written, without a namespace too.
  const full = (origin: string) => (origin.includes('/') ? origin : origin.replace(' ', ' default/'));
  for (const { code, origin } of messages) if (!OTHER_SUBJECTS.has(code)) at(full(origin)).analyze.add(code);
  return [...found].map(([object, { lint, analyze }]) => ({ object, lint: [...lint], analyze: [...analyze] }));
}

/** What one tool finds in configurations of which it is known what is wrong with them. */
interface Score {
  found: number;
  missed: string[];
  wrong: string[];
}

/** Both tools on what is committed here. */
export function scores(analyseThem: (objects: readonly EgressObject[]) => readonly Analysis[]): Map<string, Score> {
  const all = new Map<string, Score>();
  const tools = ['lint', 'analyze'] as const;
  const scoreOf = (what: string, tool: string) => {
    const key = `${what}: ${tool}`;
    if (!all.has(key)) all.set(key, { found: 0, missed: [], wrong: [] });
    return all.get(key)!;
  };
  /** What each tool says, as `Kind namespace/name code`. */
  const saidBy = (objects: readonly EgressObject[]) => {
    const compared = compareWorld(objects, analyseThem(objects));
    const said = (tool: (typeof tools)[number]) =>
      new Set(compared.flatMap((one) => one[tool].map((code) => `${one.object} ${code}`)));
    return { lint: said('lint'), analyze: said('analyze') };
  };
  for (const { name, objects } of brokenConfigurations()) {
    const said = saidBy(objects.map((manifest, index) => ({ manifest, origin: `object ${index + 1}` })));
    for (const tool of tools) {
      const score = scoreOf('broken configurations of users', tool);
      if (said[tool].size > 0) score.found++;
      else score.missed.push(name);
    }
  }
  for (const { name, objects, broken } of RECIPES) {
    const right = saidBy(objects);
    for (const tool of tools)
      scoreOf('recipes as they should be', tool).wrong.push(...[...right[tool]].map((one) => `${name}: ${one}`));
    for (const variant of broken) {
      const said = saidBy(variant.objects);
      for (const tool of tools) {
        const score = scoreOf('recipes with a mistake', tool);
        // What is said of the right recipe as well is not about the mistake.
        const isFound = [...said[tool]].some(
          (one) => !right[tool].has(one) && variant.at.some((object) => one.startsWith(`${object} `)),
        );
        if (isFound) score.found++;
        else score.missed.push(`${name}: ${variant.fault}`);
      }
    }
  }
  return all;
}

function main([istioctl, ...folders]: string[]): void {
  console.log('| | found | missed | false |\n|---|---|---|---|');
  const known = scores((objects) => analyse(istioctl, objects));
  for (const [what, { found, missed, wrong }] of known)
    console.log(`| ${what} | ${found} | ${missed.length} | ${wrong.length} |`);
  for (const [what, { missed, wrong }] of known)
    for (const name of [...missed.map((one) => `missed ${one}`), ...wrong.map((one) => `false ${one}`)])
      console.log(`${what}: ${name}`);
  const total = new Map<string, number>();
  for (const folder of folders) {
    const { worlds } = worldsOf(readAll([folder], { objectsOnly: true }));
    let both = 0;
    let only = { lint: 0, analyze: 0 };
    for (const objects of worlds) {
      if (!objects.some(({ manifest }) => String(manifest.apiVersion).includes('istio.io/'))) continue;
      for (const { object, lint, analyze } of compareWorld(objects, analyse(istioctl, objects))) {
        if (lint.length > 0 && analyze.length > 0) both++;
        else if (lint.length > 0) only = { ...only, lint: only.lint + 1 };
        else only = { ...only, analyze: only.analyze + 1 };
        const what = `${lint.join(' ') || '-'} | ${analyze.join(' ') || '-'}`;
        total.set(what, (total.get(what) ?? 0) + 1);
        console.log(`${path.basename(folder)}: ${object}: ${what}`);
      }
    }
    console.log(`${path.basename(folder)}: both ${both}, lint only ${only.lint}, istioctl only ${only.analyze}`);
  }
  for (const [what, count] of [...total].sort(([, a], [, b]) => b - a)) console.log(`${count} × ${what}`);
}

if (require.main === module) main(process.argv.slice(2));
