import * as fs from 'fs';
import { isIP } from 'net';
import * as path from 'path';
import { parseArgs } from 'util';
import { parse } from 'yaml';
import { bystanders } from './bystanders';
import { isAnsweredAsWanted, isPlainYes, smallestChange } from './changes';
import { docs } from './docs';
import { HELP } from './help';
import { judgeTable } from './judge-table';
import { asMermaid, Explained } from './mermaid';
import { meshAmong, MeshConfigError, meshOf } from './mesh-config';
import { migrate } from './migrate';
import { accountMeant, nothingToJudge, textsIn } from './nothing-to-judge';
import { packageFolder } from './package-folder';
import { Outcome, Usage } from '../cli/outcome';
import { WIDTH, wrap } from '../cli/wrap';
import { ReadManifests, readManifests } from '../reading/read-manifests';
import { requestProblem } from './request-problem';
import { headline } from './headline';
import { asText } from './text';
import { AccessTable, Via } from '../access/access-table';
import { isTcpRequest } from '../access/request-url';
import { currentValue, FORMER_OPTIONS } from '../access/former-words';
import { accessTableProblems, accessTableShapeProblems } from '../access/read-access-table';
import { Answer, EgressModel, EgressObject, KnownGateway, ModelCaller, ModelRequest, World, worldOf } from '../model';
import { UNDATED_AGES } from '../model/objects/ages';
import { Malformed, separateMalformed } from '../model/objects/well-formed';
import { lintCommand, rulesCommand } from '../lint/command';
import { checkManifests, Finding } from '../rules';

/** What an application speaks other than HTTP/1.1 and HTTPS. */
const SPOKEN: readonly string[] = ['http2', 'grpc', 'websocket'];
const VIAS: readonly string[] = ['direct', 'undeclared', 'sidecar', 'gateway'];

/** Runs the command line. It prints nothing itself. */
export function run(args: readonly string[], standardInput?: () => string, width = WIDTH): Outcome {
  try {
    const [command, ...rest] = args;
    refuseFormerOptions(rest);
    if (command === undefined || command === 'help' || args.includes('--help') || args.includes('-h')) {
      return { code: command === undefined ? 3 : 0, out: HELP, err: '' };
    }
    if (command === '--version' || command === 'version') return { code: 0, out: `${version()}\n`, err: '' };
    if (command === 'explain') return explain(rest, width, standardInput);
    if (command === 'check') return check(rest, width, standardInput);
    if (command === 'migrate') return migrate(rest, standardInput);
    if (command === 'docs') return docs(rest);
    if (command === 'lint') return lintCommand(rest, { standardInput, version: version() });
    if (command === 'rules') return rulesCommand(rest);
    throw new Usage(`"${command}" is not a command; the commands are lint, rules, explain, check, migrate and docs`);
  } catch (error) {
    if (error instanceof Usage || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS'))
      return { code: 3, out: '', err: `${(error as Error).message}\nTry: cdk8s-istio-egress --help\n` };
    const { message } = error as Error;
    return {
      code: 3,
      out: '',
      err:
        `internal error, no answer: ${message}\nThis is a bug in cdk8s-istio-egress; please report it with the ` +
        'manifests.\n',
    };
  }
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
      output: { type: 'string', default: 'text' },
    },
  });
  if (positionals.length === 0)
    throw new Usage('explain: name the files or folders with the manifests; - is standard input');
  if (!['text', 'json', 'mermaid'].includes(values.output))
    throw new Usage(`--output is text, json or mermaid, not "${values.output}"`);
  const caller = callerOf(values.from, values.labels);
  const request = requestOf(values);
  const wanted = { via: viaOf(values.via) };
  const read = readManifests(positionals, { standardInput, namespace: values.namespace });
  const unreadable = unusable(read);
  if (unreadable) return unreadable;
  const { world: described, note } = worldFor(values, read);
  if (values.table !== undefined && values.gateway.length > 0)
    throw new Usage('--gateway and --table both describe gateways: give only one');
  const world: World = {
    ...described,
    ...assumedAge(values['assume-age']),
    ...assumed(values.assume, described),
    ...(values.gateway.length > 0 && { knownGateways: values.gateway.map(gatewayOf) }),
  };
  const model = EgressModel.of(read.objects, world);
  const answer = model.ask(caller, request);
  const { objects } = model;
  const isFine = isAnsweredAsWanted(answer, wanted);
  const change =
    answer.outcome === 'undetermined' || isFine ? undefined : smallestChange(model, caller, request, answer, wanted);
  const notes = [
    ...(note === undefined ? [] : [note]),
    ...(answer.outcome === 'answered' && answer.via !== 'undeclared' ? [] : misspelt(objects, caller, request.url)),
    ...(answer.outcome === 'refused' && !change ? ['no change of one object was found that makes it answered'] : []),
    ...read.notes,
  ];
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
        bystanders: idle,
        findings,
        notes,
        incomplete: isIncomplete,
        problems,
      }),
    mermaid: () =>
      diagram(read, [{ caller: `${caller.namespace}/${caller.serviceAccount}`, url: request.url, answer }]),
    text: () => incomplete(read) + asText(answer, { change, bystanders: idle, findings, notes, notVia }, width),
  }[values.output as Output]();
  return { code, out, err: lines(problems) };
}

type Output = 'text' | 'json' | 'mermaid';

/** What could not be read, and what every API server rejects. */
function problemsOf({ problems, warnings }: ReadManifests, malformed: readonly Malformed[]): string[] {
  return [...problems, ...warnings, ...malformed.map(({ problem, source }) => `${source.origin}: ${problem}`)];
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
    options: { 'assume-age': { type: 'string' }, output: { type: 'string', default: 'text' } },
  });
  if (positionals.length < 2) throw new Usage('check: name the manifests and, last, an access table');
  if (!['text', 'json', 'mermaid'].includes(values.output))
    throw new Usage(`--output is text, json or mermaid, not "${values.output}"`);
  const table = tableOf(positionals[positionals.length - 1]);
  const read = readManifests(positionals.slice(0, -1), { standardInput });
  const unreadable = unusable(read);
  if (unreadable) return unreadable;
  const rows = judgeTable(read.objects, table, assumedAge(values['assume-age']));
  const bad = rows.filter(({ wrong }) => wrong.length > 0);
  const undetermined = rows.filter(({ answer }) => answer.outcome === 'undetermined');
  const isOpen = undetermined.length > 0 && undetermined.length === bad.length;
  const code = read.problems.length > 0 || isOpen ? 2 : bad.length > 0 ? 1 : 0;
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
  }[values.output as Output]();
  return { code, out, err: lines(problemsOf(read, separateMalformed(read.objects).malformed)) };
}

/** How old undated objects are, as `--assume-age undated=youngest` says it. */
function assumedAge(text: string | undefined): Pick<World, 'undatedAge'> {
  if (text === undefined) return {};
  const age = /^undated=(.*)$/.exec(text)?.[1];
  if (age === undefined || !UNDATED_AGES.includes(age))
    throw new Usage(`--assume-age is undated=youngest, undated=oldest or undated=same, not "${text}"`);
  return { undatedAge: age as World['undatedAge'] };
}

/** What `--assume` can say, by its text. */
const ASSUMABLE: Readonly<Record<string, World>> = {
  'http-port-80=yes': { httpPort80: true },
  'http-port-80=no': { httpPort80: false },
  'addresses=declared': { declaredAddresses: true },
  'credentials=good': { goodCredentials: true },
  'outbound-traffic-policy=ALLOW_ANY': { mesh: { outboundTrafficPolicy: 'ALLOW_ANY' } },
  'outbound-traffic-policy=REGISTRY_ONLY': { mesh: { outboundTrafficPolicy: 'REGISTRY_ONLY' } },
};

function assumed(texts: readonly string[], { mesh }: World): World {
  return texts.reduce<World>((world, text) => {
    const known = Object.hasOwn(ASSUMABLE, text) ? ASSUMABLE[text] : undefined;
    if (!known) throw new Usage(`--assume is ${Object.keys(ASSUMABLE).join(', ')}; not "${text}"`);
    if (known.mesh && mesh?.outboundTrafficPolicy !== undefined)
      throw new Usage(`--assume ${text}: the mesh configuration already says ${mesh.outboundTrafficPolicy}`);
    return { ...world, ...known, ...(known.mesh && { mesh: { ...mesh, ...known.mesh } }) };
  }, {});
}

/**
 * A gateway that is installed, as `--gateway egress/istio-egressgateway,targetPort=8443,serviceAccount=exit` says it.
 */
function gatewayOf(text: string): KnownGateway {
  const [place, ...more] = text.split(',');
  const [, namespace, name] = /^([a-z0-9-]+)\/([a-z0-9.-]+)$/.exec(place) ?? [];
  const given = new Map(more.map((one) => one.split('=') as [string, string]));
  const targetPort = given.get('targetPort');
  const serviceAccount = given.get('serviceAccount');
  const isPort = targetPort === undefined || (/^\d{1,5}$/.test(targetPort) && +targetPort > 0 && +targetPort < 65536);
  const isAccount = serviceAccount === undefined || /^[a-z0-9.-]+$/.test(serviceAccount);
  const isKnown = [...given.keys()].every((key) => key === 'targetPort' || key === 'serviceAccount');
  if (name === undefined || !isPort || !isAccount || !isKnown)
    throw new Usage(
      `--gateway is <namespace>/<name>, and ,targetPort=<port> and ,serviceAccount=<name> if need be, such as ` +
        `egress/istio-egressgateway,targetPort=8443; not "${text}"`,
    );
  return { namespace, name, serviceAccount, ...(targetPort !== undefined && { targetPort: Number(targetPort) }) };
}

function viaOf(via: string | undefined): Via | undefined {
  const current = via === undefined ? undefined : currentVia(via);
  if (current !== undefined) throw new Usage(`--via: \`${via}\` is called \`${current}\` now`);
  if (via !== undefined && !VIAS.includes(via)) throw new Usage(`--via is one of ${VIAS.join(', ')}, not "${via}"`);
  return via as Via | undefined;
}

function currentVia(via: string): string | undefined {
  return currentValue('access[].expect.via', via);
}

function callerOf(from: string | undefined, labels: string | undefined): ModelCaller {
  const match = /^([a-z0-9-]+)\/([a-z0-9.-]+)$/.exec(from ?? '');
  if (!match) {
    const given = from === undefined ? 'is missing' : `is not "${from}"`;
    throw new Usage(
      `--from ${given}: write the caller as --from <namespace>/<service account>, such as --from payments/checkout`,
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
  speak,
}: {
  to?: string;
  method?: string;
  header?: string[];
  dial?: string;
  follow?: boolean;
  speak?: string;
}): ModelRequest {
  if (to === undefined)
    throw new Usage('--to is missing: write http://host/path, https://host/path or tcp://host:port');
  const problem = requestProblem(to);
  if (problem !== undefined) throw new Usage(`--to ${problem}`);
  if (dial !== undefined && (isIP(dial) === 0 || dial.includes('%')))
    throw new Usage(`--dial is an address such as 203.0.113.99, not "${dial}"`);
  if (speak !== undefined && !SPOKEN.includes(speak))
    throw new Usage(`--speak is ${SPOKEN.join(', ')}, not "${speak}"; without it, HTTP/1.1 or HTTPS is spoken`);
  if (speak !== undefined && isTcpRequest(to))
    throw new Usage(`--speak ${speak} is for http:// and https://, not "${to}"`);
  const headers = header.map((line) => /^([^:\s]+):\s*(.*)$/.exec(line));
  if (headers.some((line) => line === null)) throw new Usage('--header is "Name: value"');
  return {
    url: to,
    ...(method && { method: method.toUpperCase() }),
    ...(dial && { dial }),
    ...(follow && { follow }),
    ...(speak !== undefined && { speak: speak as ModelRequest['speak'] }),
    ...(headers.length > 0 && { headers: Object.fromEntries(headers.map((line) => [line![1], line![2]])) }),
  };
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
    return mesh === undefined ? meshAmong(objects) : { world: meshOf(document(mesh), mesh) };
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

function document(file: string): unknown {
  if (!fs.existsSync(file)) throw new Usage(`${file}: no such file`);
  if (fs.statSync(file).isDirectory()) throw new Usage(`${file} is a folder, where a file is needed`);
  try {
    return parse(fs.readFileSync(file, 'utf8'));
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
  return `${JSON.stringify(value, null, 2)}\n`;
}

function diagram(read: ReadManifests, explained: readonly Explained[]): string {
  return `${incomplete(read, '%% ')}${asMermaid(explained)}\n`;
}

/** The outcome if no object could be read at all. */
function unusable({ objects, problems, notes, hasInput }: ReadManifests): Outcome | undefined {
  if (objects.length > 0 || (hasInput && problems.length === 0)) return undefined;
  return { code: 3, out: '', err: `${[...problems, ...notes, 'nothing could be read'].join('\n')}\n` };
}

/** The rules' findings on the objects that decided the answer. */
function findingsOn(answer: Answer, objects: readonly EgressObject[], world: World): Finding[] {
  const met = new Set(
    [...answer.steps.flatMap(({ decidedBy }) => decidedBy), ...answer.causes].map(({ origin }) => origin),
  );
  return checkManifests(objects, {
    rootNamespace: world.mesh?.rootNamespace,
    dnsCapture: world.mesh?.dnsCapture,
  }).filter(({ origins }) => origins.some((origin) => met.has(origin)));
}

function version(): string {
  return JSON.parse(fs.readFileSync(path.join(packageFolder(), 'package.json'), 'utf8')).version;
}
