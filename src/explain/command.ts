import * as fs from 'fs';
import { isIP } from 'net';
import * as path from 'path';
import { parseArgs } from 'util';
import { parse } from 'yaml';
import { bystanders } from './bystanders';
import { smallestChange, isWanted } from './changes';
import { HELP } from './help';
import { judgeTable } from './judge-table';
import { asMermaid } from './mermaid';
import { meshAmong, MeshConfigError, meshOf } from './mesh-config';
import { ReadManifests, readManifests } from './read-manifests';
import { requestProblem } from './request-problem';
import { asText, headline } from './text';
import { AccessTable, Via } from '../access/access-table';
import { accessTableProblems, accessTableShapeProblems } from '../access/read-access-table';
import { Answer, EgressModel, EgressObject, ModelCaller, ModelRequest, World, worldOf } from '../model';
import { separateMalformed } from '../model/well-formed';
import { checkManifests, Finding } from '../rules';

/** What a run of the command line says, and how it ends. */
export interface Outcome {
  readonly code: 0 | 1 | 2 | 3;
  readonly out: string;
  readonly err: string;
}

class Usage extends Error {}

const VIAS: readonly string[] = ['direct', 'undeclared', 'sidecar', 'gateway'];

/** Runs the command line. It prints nothing itself. */
export function run(args: readonly string[], standardInput?: () => string): Outcome {
  try {
    const [command, ...rest] = args;
    if (command === undefined || command === 'help' || args.includes('--help') || args.includes('-h')) {
      return {
        code: command === undefined ? 3 : 0,
        out: HELP,
        err: '',
      };
    }
    if (command === '--version' || command === 'version') return { code: 0, out: `${version()}\n`, err: '' };
    if (command === 'explain') return explain(rest, standardInput);
    if (command === 'check') return check(rest, standardInput);
    throw new Usage(`there is no command "${command}"; there are explain and check`);
  } catch (error) {
    if (error instanceof Usage || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS'))
      return { code: 3, out: '', err: `${(error as Error).message}\nTry: cdk8s-istio-egress --help\n` };
    const { message } = error as Error;
    return {
      code: 3,
      out: '',
      err:
        `internal error, no answer: ${message}\nThis is a defect of cdk8s-istio-egress; please report it with ` +
        'the manifests.\n',
    };
  }
}

function explain(args: readonly string[], standardInput?: () => string): Outcome {
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
      namespace: { type: 'string' },
      mesh: { type: 'string' },
      table: { type: 'string' },
      via: { type: 'string' },
      output: { type: 'string', default: 'text' },
    },
  });
  if (positionals.length === 0) throw new Usage('say which files or folders hold the manifests; - is standard input');
  if (!['text', 'json', 'mermaid'].includes(values.output))
    throw new Usage(`--output is text, json or mermaid, not "${values.output}"`);
  const caller = callerOf(values.from, values.labels);
  const request = requestOf(values);
  if (values.via !== undefined && !VIAS.includes(values.via))
    throw new Usage(`--via is one of ${VIAS.join(', ')}, not "${values.via}"`);
  const wanted = { via: values.via as Via | undefined };
  const read = readManifests(positionals, { standardInput, namespace: values.namespace });
  const unreadable = unusable(read);
  if (unreadable) return unreadable;
  const { world, note } = worldFor(values, read);
  const notes = [...(note === undefined ? [] : [note]), ...read.notes];
  const model = EgressModel.of(read.objects, world);
  const answer = model.ask(caller, request);
  const { objects } = model;
  const isFine = answer.outcome === 'answered' && isWanted(answer, wanted);
  const change =
    answer.outcome === 'undetermined' || isFine
      ? undefined
      : smallestChange(objects, world, caller, request, answer, wanted);
  const findings = findingsOn(answer, objects, world);
  const idle = bystanders(answer, objects, world, caller, request);
  const isIncomplete = read.problems.length > 0;
  const code = answer.outcome === 'undetermined' || isIncomplete ? 2 : isFine ? 0 : 1;
  const problems = [
    ...read.problems,
    ...read.warnings,
    ...model.malformed.map(({ problem, source }) => `${source.origin}: ${problem}`),
  ];
  const err = problems.map((problem) => `${problem}\n`).join('');
  switch (values.output) {
    case 'json':
      return {
        code,
        err,
        out: `${JSON.stringify({ ...answer, ...(change && { change: { text: change.text, then: change.then } }), bystanders: idle, findings, notes, incomplete: isIncomplete, problems }, null, 2)}\n`,
      };
    case 'mermaid':
      return {
        code,
        err,
        out: `${incomplete(read, '%% ')}${asMermaid([{ caller: `${caller.namespace}/${caller.serviceAccount}`, url: request.url, answer }])}\n`,
      };
    default:
      return {
        code,
        err,
        out:
          incomplete(read) +
          asText(answer, {
            change,
            bystanders: idle,
            findings,
            notes,
            missed: answer.outcome === 'answered' && !isFine ? wanted.via : undefined,
          }),
      };
  }
}

/** Judges every row of an access table. */
function check(args: readonly string[], standardInput?: () => string): Outcome {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { output: { type: 'string', default: 'text' } },
  });
  if (positionals.length < 2) throw new Usage('check wants manifests and, last, an access table');
  if (!['text', 'json', 'mermaid'].includes(values.output))
    throw new Usage(`--output is text, json or mermaid, not "${values.output}"`);
  const table = tableOf(positionals[positionals.length - 1]);
  const read = readManifests(positionals.slice(0, -1), { standardInput });
  const unreadable = unusable(read);
  if (unreadable) return unreadable;
  const rows = judgeTable(read.objects, table);
  const bad = rows.filter(({ wrong }) => wrong.length > 0);
  const open = rows.filter(({ answer }) => answer.outcome === 'undetermined');
  const code = read.problems.length > 0 || (open.length > 0 && open.length === bad.length) ? 2 : bad.length > 0 ? 1 : 0;
  const { malformed } = separateMalformed(read.objects);
  const err = [
    ...read.problems,
    ...read.warnings,
    ...malformed.map(({ problem, source }) => `${source.origin}: ${problem}`),
  ]
    .map((problem) => `${problem}\n`)
    .join('');
  if (values.output === 'json') {
    return {
      code,
      err,
      out: `${JSON.stringify(
        rows.map(({ row, answer, wrong }) => ({ row, answer, differences: wrong })),
        null,
        2,
      )}\n`,
    };
  }
  if (values.output === 'mermaid') {
    return {
      code,
      err,
      out: `${incomplete(read, '%% ')}${asMermaid(rows.map(({ row, answer }) => ({ caller: row.from, url: row.request, answer })))}\n`,
    };
  }
  const lines = rows.flatMap(({ row, answer, wrong }) => [
    `${wrong.length === 0 ? '✓' : '✗'} ${row.from}  ${row.request}  ${headline(answer)}`,
    ...wrong.map((difference) => `    ${difference}`),
  ]);
  return {
    code,
    err,
    out:
      `${incomplete(read)}${lines.join('\n')}\n${rows.length - bad.length} of ${rows.length} rows are as the ` +
      'table says\n',
  };
}

function callerOf(from: string | undefined, labels: string | undefined): ModelCaller {
  const match = /^([a-z0-9-]+)\/([a-z0-9.-]+)$/.exec(from ?? '');
  if (!match) {
    throw new Usage(
      '--from <namespace>/<service account> says who ' +
        `calls${from === undefined ? '' : `; "${from}" is none, write as in --from payments/checkout`}`,
    );
  }
  const pairs = (labels ?? '')
    .split(',')
    .filter(Boolean)
    .map((pair) => pair.split('='));
  if (pairs.some((pair) => pair.length !== 2 || pair[0] === ''))
    throw new Usage(`--labels is key=value,key=value, not "${labels}"`);
  return {
    namespace: match[1],
    serviceAccount: match[2],
    ...(labels !== undefined && { labels: Object.fromEntries(pairs) }),
  };
}

function requestOf({
  to,
  method,
  header = [],
  dial,
  follow,
}: {
  to?: string;
  method?: string;
  header?: string[];
  dial?: string;
  follow?: boolean;
}): ModelRequest {
  if (to === undefined) throw new Usage('--to is a URL that begins with http:// or https://, or tcp://host:port');
  const problem = requestProblem(to);
  if (problem !== undefined) throw new Usage(`--to ${problem}`);
  if (dial !== undefined && isIP(dial) !== 4)
    throw new Usage(`--dial is an IPv4 address, as 203.0.113.99, not "${dial}"`);
  const headers = header.map((line) => /^([^:\s]+):\s*(.*)$/.exec(line));
  if (headers.some((line) => line === null)) throw new Usage('--header is "Name: value"');
  return {
    url: to,
    ...(method && { method: method.toUpperCase() }),
    ...(dial && { dial }),
    ...(follow && { follow }),
    ...(headers.length > 0 && { headers: Object.fromEntries(headers.map((line) => [line![1], line![2]])) }),
  };
}

/** What the manifests meet: a table, a mesh configuration, or the one that is among the manifests. */
function worldFor(
  { mesh, table }: { mesh?: string; table?: string },
  { objects }: ReadManifests,
): { world: World; note?: string } {
  if (mesh !== undefined && table !== undefined)
    throw new Usage('--mesh and --table both say how the mesh is configured: give one');
  try {
    if (table !== undefined) return { world: worldOf(tableOf(table)) };
    return mesh === undefined ? meshAmong(objects) : { world: meshOf(document(mesh), mesh) };
  } catch (error) {
    if (error instanceof MeshConfigError) throw new Usage(error.message);
    throw error;
  }
}

function tableOf(file: string): AccessTable {
  const table = document(file);
  for (const part of ['callers', 'external', 'access'])
    if (!Array.isArray(table?.[part]))
      throw new Usage(`${file}: an access table has a list "${part}"; see docs/access-table.md`);
  const shape = accessTableShapeProblems(table);
  const problems = shape.length > 0 ? shape : accessTableProblems(table);
  if (problems.length > 0) throw new Usage(`${file}:\n  ${problems.join('\n  ')}`);
  return table;
}

function document(file: string): any {
  if (!fs.existsSync(file)) throw new Usage(`${file}: there is no such file`);
  try {
    return parse(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Usage(`${file}: broken YAML, ${(error as Error).message.split('\n')[0]}`);
  }
}

/** The first line where something could not be read: what is missing could change the answer. */
function incomplete({ problems }: ReadManifests, before = ''): string {
  return problems.length === 0
    ? ''
    : `${before}incomplete: ${problems.length === 1 ? 'a part' : `${problems.length} parts`} of the input could ` +
        'not be read, and could change the answer\n';
}

/** Nothing to answer from; what is partly broken still answers. */
function unusable({ objects, problems, notes }: ReadManifests): Outcome | undefined {
  if (objects.length > 0) return undefined;
  return { code: 3, out: '', err: `${[...problems, ...notes, 'nothing could be read'].join('\n')}\n` };
}

/** What the rules say about the objects that the request meets. */
function findingsOn(answer: Answer, objects: readonly EgressObject[], world: World): Finding[] {
  const met = new Set(
    [...answer.steps.flatMap(({ decidedBy }) => decidedBy), ...answer.causes].map(
      ({ kind, namespace, name }) => `${kind} ${namespace}/${name}`,
    ),
  );
  return checkManifests(objects, {
    rootNamespace: world.mesh?.rootNamespace,
    dnsCapture: world.mesh?.dnsCapture,
  }).filter(({ message }) => [...met].some((object) => message.includes(object)));
}

/** The package's own version: its package.json is above the sources, and further above what is compiled. */
function version(): string {
  const file = ['../..', '../../..']
    .map((up) => path.join(__dirname, up, 'package.json'))
    .find((one) => fs.existsSync(one));
  return file === undefined ? 'unknown' : JSON.parse(fs.readFileSync(file, 'utf8')).version;
}
