import * as fs from 'fs';
import * as path from 'path';
import { parseArgs } from 'util';
import { parse } from 'yaml';
import { bystanders } from './bystanders';
import { isAnsweredAsWanted, isPlainYes } from './as-wanted';
import { smallestChange } from './changes';
import { docs } from './docs';
import { HELP } from './help';
import { hints } from './hints';
import { judgeTable } from './judge-table';
import { asMermaid, Explained } from './mermaid';
import { meshAmong, MeshConfigError, meshOf } from './mesh-config';
import { migrate } from './migrate';
import { accountMeant, nothingToJudge, textsIn } from './nothing-to-judge';
import {
  assumed,
  assumedAge,
  callerOf,
  currentVia,
  gatewayOf,
  istioVersionOf,
  outputOf,
  requestOf,
  viaOf,
} from './options';
import { packageFolder } from './package-folder';
import { Outcome, Usage } from '../cli/outcome';
import { printableJson, printableText } from '../cli/printable';
import { WIDTH, wrap } from '../cli/wrap';
import { KUBERNETES_YAML } from '../reading/kubernetes-yaml';
import { ReadManifests, readManifests } from '../reading/read-manifests';
import { headline } from './headline';
import { refsOf } from '../model/answer/field-ref';
import { asText, NO_CHANGE } from './text';
import { unlistedGateways } from './unlisted-gateways';
import { AccessTable } from '../access/access-table';
import { FORMER_OPTIONS } from '../access/former-words';
import { accessTableProblems, accessTableShapeProblems } from '../access/read-access-table';
import { Answer, EgressModel, EgressObject, ModelCaller, World, worldOf } from '../model';
import { Malformed, separateMalformed } from '../model/objects/well-formed';
import { lintCommand, rulesCommand } from '../lint/command';
import { checkManifests, Finding } from '../rules';

/** Runs the command line. It prints nothing itself. */
export function run(args: readonly string[], standardInput?: () => string, width = WIDTH): Outcome {
  try {
    const [command, ...rest] = args;
    refuseFormerOptions(rest);
    if (command === undefined || command === 'help' || args.includes('--help') || args.includes('-h')) {
      return { code: command === undefined ? 3 : 0, out: HELP, err: '' };
    }
    if (command === '--version' || command === 'version') return { code: 0, out: `${version()}\n`, err: '' };
    if (command === 'explain') return printed(explain(rest, width, standardInput));
    if (command === 'check') return printed(check(rest, width, standardInput));
    if (command === 'migrate') return migrate(rest, standardInput);
    if (command === 'docs') return docs(rest);
    if (command === 'lint') return lintCommand(rest, { standardInput, version: version() });
    if (command === 'rules') return rulesCommand(rest);
    throw new Usage(`"${command}" is not a command; the commands are lint, rules, explain, check, migrate and docs`);
  } catch (error) {
    if (error instanceof Usage || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS'))
      return printed({ code: 3, out: '', err: `${(error as Error).message}\nTry: cdk8s-istio-egress --help\n` });
    const { message } = error as Error;
    return printed({
      code: 3,
      out: '',
      err:
        `internal error, no answer: ${message}\nThis is a bug in cdk8s-istio-egress; please report it with the ` +
        'manifests.\n',
    });
  }
}

/** What is printed of names in manifests, and of files, which may be those of an untrusted branch. */
function printed({ code, out, err }: Outcome): Outcome {
  return { code, out: printableText(out), err: printableText(err) };
}

/** Refuses options that have another name now. */
function refuseFormerOptions(args: readonly string[]): void {
  args.forEach((arg, index) => {
    const [, former = '', value = args[index + 1] ?? ''] = /^--([a-z]+)(?:=(.*))?$/.exec(arg) ?? [];
    const current = FORMER_OPTIONS.get(former);
    if (current !== undefined)
      throw new Usage(`--${former} is called --${current} now: --${current} ${currentVia(value) ?? value}`);
  });
}

/** Answers one request. */
function explain(args: readonly string[], width: number, standardInput?: () => string): Outcome {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      from: { type: 'string' },
      to: { type: 'string' },
      labels: { type: 'string' },
      method: { type: 'string' },
      header: { type: 'string', multiple: true, default: [] },
      dial: { type: 'string' },
      follow: { type: 'boolean' },
      speak: { type: 'string' },
      namespace: { type: 'string' },
      mesh: { type: 'string' },
      table: { type: 'string' },
      via: { type: 'string' },
      'assume-age': { type: 'string' },
      assume: { type: 'string', multiple: true, default: [] },
      gateway: { type: 'string', multiple: true, default: [] },
      istio: { type: 'string' },
      output: { type: 'string', default: 'text' },
      verbose: { type: 'boolean' },
    },
  });
  if (positionals.length === 0)
    throw new Usage('explain: name the files or folders with the manifests; - is standard input');
  const output = outputOf(values.output);
  const caller = callerOf(values.from, values.labels);
  const request = requestOf(values);
  const wanted = { via: viaOf(values.via) };
  const read = readManifests(positionals, { standardInput, namespace: values.namespace, verbose: values.verbose });
  const unreadable = unusable(read);
  if (unreadable) return unreadable;
  const { world: described, note } = worldFor(values, read);
  if (values.table !== undefined && values.gateway.length > 0)
    throw new Usage('--gateway and --table both describe gateways: give only one');
  const world: World = {
    ...described,
    ...assumedAge(values['assume-age']),
    ...istioVersionOf(values.istio),
    ...assumed(values.assume, described),
    ...(values.gateway.length > 0 && { knownGateways: values.gateway.map(gatewayOf) }),
  };
  const model = EgressModel.of(read.objects, world);
  const answer = model.ask(caller, request);
  const { objects } = model;
  const isFine = isAnsweredAsWanted(answer, wanted);
  const change =
    answer.outcome === 'undetermined' || isFine ? undefined : smallestChange(model, caller, request, answer, wanted);
  const isYes = answer.outcome === 'answered' && answer.via !== 'undeclared';
  const doubts = isYes ? [] : misspelt(read.objects, caller, request.url);
  const isWithoutChange = answer.outcome === 'refused' && change === undefined;
  const inTheProgram = hints(model, caller, request, answer);
  const notes = [...(note === undefined ? [] : [note]), ...read.notes, ...read.assumptions];
  const findings = findingsOn(answer, objects, world);
  const idle = bystanders(answer, model, caller, request);
  const isIncomplete = read.problems.length > 0;
  const isOpen =
    answer.outcome === 'undetermined' || answer.condition !== undefined || (isFine && !isPlainYes(answer, wanted));
  const code = isOpen || isIncomplete ? 2 : isFine ? 0 : 1;
  const problems = problemsOf(read, model.malformed);
  const notVia = answer.outcome === 'answered' && !isFine ? wanted.via : undefined;
  const out = {
    json: () =>
      asJson({
        ...answer,
        ...(change && { change: { text: change.text, also: change.also, then: change.then } }),
        hints: inTheProgram,
        bystanders: idle,
        findings,
        notes: [...doubts, ...(isWithoutChange ? [NO_CHANGE] : []), ...notes],
        incomplete: isIncomplete,
        problems,
      }),
    mermaid: () =>
      diagram(read, [{ caller: `${caller.namespace}/${caller.serviceAccount}`, url: request.url, answer }]),
    text: () =>
      incomplete(read) +
      asText(
        answer,
        { doubts, change, isWithoutChange, hints: inTheProgram, bystanders: idle, findings, notes, notVia },
        width,
      ),
  }[output]();
  return { code, out, err: lines(problems) };
}

/** What could not be read, and what every API server rejects. */
function problemsOf({ problems, warnings }: ReadManifests, malformed: readonly Malformed[]): string[] {
  return [
    ...problems.map(({ text }) => text),
    ...warnings,
    ...malformed.map(({ problem, source }) => `${source.origin}: ${problem}`),
  ];
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('');
}

/** Names in the question that no manifest has, beside one that is almost the same. */
function misspelt(objects: readonly EgressObject[], caller: ModelCaller, url: string): string[] {
  const written = textsIn(objects);
  const doubt = nothingToJudge(objects, caller, url, undefined, written);
  const account = accountMeant(written, caller);
  return [
    ...(doubt ? [doubt.because] : []),
    ...(account === undefined
      ? []
      : [`no manifest names ${caller.namespace}/${caller.serviceAccount}: is ${caller.namespace}/${account} meant?`]),
  ];
}

/** Compares the model's answer with every row of an access table. */
function check(args: readonly string[], width: number, standardInput?: () => string): Outcome {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      'assume-age': { type: 'string' },
      istio: { type: 'string' },
      output: { type: 'string', default: 'text' },
    },
  });
  if (positionals.length < 2) throw new Usage('check: name the manifests and, last, an access table');
  const output = outputOf(values.output);
  const table = tableOf(positionals[positionals.length - 1]);
  const read = readManifests(positionals.slice(0, -1), { standardInput });
  const unreadable = unusable(read);
  if (unreadable) return unreadable;
  const said: World = { ...assumedAge(values['assume-age']), ...istioVersionOf(values.istio) };
  const rows = judgeTable(read.objects, table, said);
  const bad = rows.filter(({ wrong }) => wrong.length > 0);
  const isOpen = bad.every(({ answer }) => answer.outcome === 'undetermined' || answer.condition !== undefined);
  const code = read.problems.length > 0 ? 2 : bad.length === 0 ? 0 : isOpen ? 2 : 1;
  const text = rows.flatMap(({ row, answer, wrong }) => [
    `${wrong.length === 0 ? '✓' : '✗'} ${row.from}  ${row.request}  ${headline(answer)}`,
    ...wrong.map((difference) => `    ${difference}`),
  ]);
  const explained = rows.map(({ row, answer }) => ({ caller: row.from, url: row.request, answer }));
  const out = {
    json: () => asJson(rows.map(({ row, answer, wrong }) => ({ row, answer, differences: wrong }))),
    mermaid: () => diagram(read, explained),
    text: () =>
      `${incomplete(read)}${wrap(text.join('\n'), width)}\n${rows.length - bad.length} of ${rows.length} rows are as the ` +
      'table says\n',
  }[output]();
  const problems = problemsOf(read, separateMalformed(read.objects, values.istio).malformed);
  const unlisted = bad.length === 0 ? [] : unlistedGateways(read.objects, table);
  return { code, out, err: lines([...problems, ...unlisted]) };
}

/** The mesh and what surrounds it: from a table, a mesh configuration, or the one among the manifests. */
function worldFor(
  { mesh, table }: { mesh?: string; table?: string },
  { objects }: ReadManifests,
): { world: World; note?: string } {
  if (mesh !== undefined && table !== undefined)
    throw new Usage('--mesh and --table both configure the mesh: give only one');
  try {
    if (table !== undefined) return { world: worldOf(tableOf(table)) };
    return mesh === undefined ? meshAmong(objects) : { world: meshOf(document(mesh, KUBERNETES_YAML), mesh) };
  } catch (error) {
    if (error instanceof MeshConfigError) throw new Usage(error.message);
    throw error;
  }
}

function tableOf(file: string): AccessTable {
  const table = document(file) as AccessTable;
  const shape = accessTableShapeProblems(table, file);
  const problems = shape.length > 0 ? shape : accessTableProblems(table);
  if (problems.length > 0) throw new Usage(`${file}:\n  ${problems.join('\n  ')}`);
  return table;
}

function document(file: string, options?: typeof KUBERNETES_YAML): unknown {
  if (!fs.existsSync(file)) throw new Usage(`${file}: no such file`);
  if (fs.statSync(file).isDirectory()) throw new Usage(`${file} is a folder, where a file is needed`);
  try {
    return parse(fs.readFileSync(file, 'utf8'), options);
  } catch (error) {
    throw new Usage(`${file}: invalid YAML, ${(error as Error).message.split('\n')[0]}`);
  }
}

/** The first line of an answer from incomplete input, which the rest of the input could change. */
function incomplete({ problems }: ReadManifests, before = ''): string {
  return problems.length === 0
    ? ''
    : `${before}incomplete: ${problems.length === 1 ? 'a part' : `${problems.length} parts`} of the input could ` +
        'not be read, and could change the answer\n';
}

function asJson(value: unknown): string {
  return `${printableJson(value)}\n`;
}

function diagram(read: ReadManifests, explained: readonly Explained[]): string {
  return `${incomplete(read, '%% ')}${asMermaid(explained)}\n`;
}

/** The outcome if no object could be read at all. */
function unusable(read: ReadManifests): Outcome | undefined {
  if (read.objects.length > 0 || (read.hasInput && read.problems.length === 0)) return undefined;
  return { code: 3, out: '', err: lines([...problemsOf(read, []), ...read.notes, 'nothing could be read']) };
}

/** The rules' findings on the objects that decided the answer. */
function findingsOn(answer: Answer, objects: readonly EgressObject[], world: World): Finding[] {
  const met = new Set(refsOf(answer).map(({ origin }) => origin));
  return checkManifests(objects, {
    rootNamespace: world.mesh?.rootNamespace,
    dnsCapture: world.mesh?.dnsCapture,
  }).filter(({ origins }) => origins.some((origin) => met.has(origin)));
}

function version(): string {
  return JSON.parse(fs.readFileSync(path.join(packageFolder(), 'package.json'), 'utf8')).version;
}
