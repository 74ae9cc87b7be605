import * as fs from 'fs';
import * as path from 'path';
import { parseArgs } from 'util';
import { parse } from 'yaml';
import { Baseline, BaselineEntry, baselineOf } from './acknowledgements';
import { asGitHub } from './as-github';
import { asSarif } from './as-sarif';
import { asText } from './as-text';
import { fieldLine, objectLine } from './field-line';
import { LintFinding } from './finding';
import { isAtLeast, lintWorlds, SEVERITIES } from './lint';
import { printable, printableJson } from './printable';
import { Report, Unread } from './report';
import { ruleText, rulesText } from './rule-text';
import { worldsOf } from './worlds';
import { Outcome, Usage } from '../cli/outcome';
import { Place, readAll, ReadManifests, Unbuilt } from '../reading/read-manifests';
import { Severity } from '../rules';

const OUTPUTS = ['text', 'json', 'sarif', 'github', 'baseline'];

/** `lint <files, folders or ->` */
export function lintCommand(
  args: readonly string[],
  { standardInput, version }: { standardInput?: () => string; version: string },
): Outcome {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      output: { type: 'string', default: 'text' },
      'fail-on': { type: 'string', default: 'error' },
      baseline: { type: 'string' },
      namespace: { type: 'string' },
      'root-namespace': { type: 'string' },
    },
  });
  if (positionals.length === 0)
    throw new Usage('lint: name the files or folders with the manifests; - is standard input');
  if (!OUTPUTS.includes(values.output))
    throw new Usage(`--output is ${OUTPUTS.slice(0, -1).join(', ')} or baseline, not "${values.output}"`);
  const failOn = values['fail-on'];
  if (failOn !== 'never' && !SEVERITIES.includes(failOn as Severity))
    throw new Usage(`--fail-on is ${SEVERITIES.join(', ')} or never, not "${failOn}"`);
  const read = readAll(positionals, { standardInput, namespace: values.namespace, objectsOnly: true });
  const unread = unreadOf(read);
  if (read.objects.length === 0 && !read.hasInput && unread.length === 0)
    return { code: 3, out: '', err: 'nothing could be read: there is no Kubernetes object in the input\n' };
  const report = reportOn(read, unread, {
    rootNamespace: values['root-namespace'],
    baseline: values.baseline === undefined ? undefined : baselineIn(values.baseline),
  });
  const fails = failOn !== 'never' && report.findings.some(({ severity }) => isAtLeast(severity, failOn as Severity));
  const isIncomplete = unread.some(({ isBroken }) => isBroken) || (read.objects.length === 0 && unread.length > 0);
  return { code: fails ? 1 : isIncomplete ? 2 : 0, out: output(values.output, report, version), err: '' };
}

/** `rules` and `rules CODE` */
export function rulesCommand(args: readonly string[]): Outcome {
  if (args.length > 1) throw new Usage('rules: name one rule, or none for the list');
  return { code: 0, out: args.length === 0 ? rulesText() : ruleText(args[0]), err: '' };
}

function output(format: string, report: Report, version: string): string {
  switch (format) {
    case 'json':
      return `${printableJson(report)}\n`;
    case 'sarif':
      return asSarif(report, version);
    case 'github':
      return asGitHub(report);
    case 'baseline':
      return baselineOf(report.findings, 'found when lint was introduced');
    default:
      return asText(report);
  }
}

/** Findings in the order of files and lines, the worst first within a line. */
function reportOn(
  read: ReadManifests,
  unread: readonly Unread[],
  options: { readonly rootNamespace?: string; readonly baseline?: Baseline },
): Report {
  const places = new Map<string, Place>();
  // Messages name an object by its line. An item of a List that was parsed as a whole has none of its own.
  const objects = read.objects.map((object) => {
    const { place } = object;
    const origin = place.path.length > 0 ? object.origin : `${place.file}:${objectLine(place)}`;
    places.set(origin, place);
    return { ...object, origin };
  });
  const { worlds, notes } = worldsOf({ ...read, objects });
  const result = lintWorlds(worlds, options);
  const placed = <T extends LintFinding>(findings: readonly T[]): T[] =>
    findings
      .map((finding) => {
        const place = places.get(finding.object.origin)!;
        return { ...finding, file: place.file, line: fieldLine(place, finding.field) };
      })
      .sort((a, b) => compare(a.file, b.file) || a.line - b.line || compare(a.message, b.message));
  return {
    ...result,
    findings: placed(result.findings),
    acknowledged: placed(result.acknowledged),
    objects: objects.length,
    files: new Set(objects.map(({ place }) => place.file)).size,
    unread,
    notes: [...read.notes.filter((note) => note.endsWith('namespace default is assumed')), ...notes],
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What could not be read; of what must be built first, one for each folder. */
function unreadOf({ problems, unbuilt }: ReadManifests): Unread[] {
  const charts = new Map<string, Unbuilt[]>();
  for (const one of unbuilt.filter(({ tool }) => tool === 'helm')) {
    const chart = /^(.*)[\\/]templates[\\/]/.exec(one.file)?.[1] ?? path.dirname(one.file);
    charts.set(chart, [...(charts.get(chart) ?? []), one]);
  }
  return [
    // An object without a name cannot be applied; mostly it is a part of one.
    ...problems.map((text) => ({ text, isBroken: !text.endsWith(', left out') })),
    ...[...charts].map(([chart, all]) => ({
      text:
        `${chart}: ${all.length === 1 ? 'a Helm template' : `${all.length} Helm templates`}; to judge what they ` +
        `render: helm template ${chart} | cdk8s-istio-egress lint -`,
      file: all[0].file,
      isBroken: false,
    })),
    ...unbuilt
      .filter(({ tool }) => tool === 'kustomize')
      .map(({ file, problem, build }) => ({
        text: `${problem} to judge the result: ${build} | cdk8s-istio-egress lint -`,
        file,
        isBroken: false,
      })),
  ];
}

function baselineIn(file: string): Baseline {
  if (!fs.existsSync(file)) throw new Usage(`${printable(file)}: no such file; --output baseline writes one`);
  let value: any;
  try {
    value = parse(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Usage(`${printable(file)}: invalid YAML, ${printable((error as Error).message.split('\n')[0])}`);
  }
  const entries: unknown = value?.acknowledged;
  if (!Array.isArray(entries) || !entries.every(isEntry))
    throw new Usage(
      `${printable(file)}: not a baseline: it has a list \`acknowledged\`, each entry of which has code, finding and ` +
        'reason, all text',
    );
  return { file, entries };
}

function isEntry(entry: any): entry is BaselineEntry {
  return ['code', 'finding', 'reason'].every((field) => typeof entry?.[field] === 'string');
}
