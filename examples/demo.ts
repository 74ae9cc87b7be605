/**
 * Synthesises all examples, or those named, and prints what each emits and what happens to its requests:
 * `npm run demo [-- name...]`.
 */
import * as fs from 'fs';
import * as path from 'path';
import { Example, examples, judged, linesOf, objectsIn, synthesise } from './examples';
import { AccessRow, Spoken, Symptom, Via } from '../src/access/access-table';
import { JudgedRow } from '../src/explain';

const colours = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code: number, text: string) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);
const bold = (text: string) => paint(1, text);
const dim = (text: string) => paint(2, text);

const PATHS: Record<Via, string> = {
  direct: 'past the sidecar',
  undeclared: 'undeclared, let through',
  sidecar: 'from the sidecar',
  gateway: 'through the gateway',
};

const SYMPTOMS: Record<Exclude<Symptom, number>, string> = {
  'tls-closed': 'TLS handshake closed',
  closed: 'connection closed',
  timeout: 'timeout',
  'certificate-rejected': 'certificate rejected',
  'grpc-unavailable': 'gRPC UNAVAILABLE',
};

const PROTOCOLS: Record<Spoken, string> = {
  http2: 'HTTP/2',
  grpc: 'gRPC',
  websocket: 'WebSocket',
};

/** The request as it is sent, with whatever differs from a plain call. */
function request({ request: url, speak, headers, dial, follow }: AccessRow): string {
  const details = [
    speak && PROTOCOLS[speak],
    headers?.Host && `Host: ${headers.Host}`,
    dial && `to ${dial}`,
    follow && 'redirects followed',
  ].filter(Boolean);
  return details.length > 0 ? `${url} (${details.join(', ')})` : url;
}

/** What the caller sees, redirects first. */
function result({ expect }: AccessRow): string {
  const { outcome, status, symptom, redirects = [] } = expect;
  const refusal = typeof symptom === 'string' ? SYMPTOMS[symptom] : String(symptom ?? 'refused');
  const end = outcome === 'answered' ? String(status ?? 'answered') : refusal;
  return [...redirects, end].join(', then ');
}

/** The egress path, or where it ended. */
function egressPath({ expect }: AccessRow): string {
  if (expect.outcome === 'refused')
    return expect.by ? `refused by the ${expect.by === 'host' ? 'external host' : expect.by}` : 'refused';
  return expect.via ? PATHS[expect.via] : '';
}

function leftOut({ without = [] }: AccessRow): string {
  return [without]
    .flat()
    .map((name) => (name === 'manifests' ? 'all manifests' : name))
    .join(', ');
}

function table(answers: JudgedRow[]): string {
  const rows = answers.map(({ row }) => row);
  const head = ['', 'caller', 'request', 'result', 'egress path', 'TLS originated by', 'caller at gateway', 'left out'];
  const cells = answers.map(({ row, wrong }) => [
    wrong.length === 0 ? '✓' : '✗',
    row.from,
    request(row),
    result(row),
    egressPath(row),
    row.expect.tlsOriginatedBy ?? '',
    row.expect.identityAtGateway ?? '',
    leftOut(row),
  ]);
  const used = head.map((_, column) => column).filter((column) => cells.some((line) => line[column] !== ''));
  const width = (column: number) => Math.max(...[head, ...cells].map((line) => line[column].length));
  const line = (fields: string[]) =>
    '  ' +
    used
      .map((column) => fields[column].padEnd(width(column)))
      .join('  ')
      .trimEnd();
  return [
    dim(line(head)),
    ...cells.map((fields, index) => {
      const text = line(fields);
      const shown = rows[index].expect.outcome === 'answered' ? paint(32, text) : paint(33, text);
      return [shown, ...answers[index].wrong.map((difference) => paint(31, `     ${difference}`))].join('\n');
    }),
  ].join('\n');
}

function show(example: Example): string {
  const manifests = synthesise(example);
  const folder = path.join(example.folder, 'dist');
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  for (const [name, text] of manifests) fs.writeFileSync(path.join(folder, name), text);
  const count = objectsIn(manifests).length;
  return [
    bold(`${example.name}: ${example.title}`),
    example.purpose,
    `${count} object${count === 1 ? '' : 's'} from ${linesOf(example)} lines of TypeScript, in ` +
      `${path.relative(process.cwd(), folder)}/: ${[...manifests.keys()].join(', ')}`,
    '',
    table(judged(example, manifests)),
    '',
  ].join('\n');
}

function main() {
  const names = process.argv.slice(2);
  const all = examples();
  const unknown = names.filter((name) => !all.some((example) => example.name === name));
  if (unknown.length > 0) {
    console.error(
      `there is no example named ${unknown.join(' or ')}; write one of ` +
        `${all.map((example) => example.name).join(', ')}`,
    );
    process.exit(1);
  }
  const chosen = all.filter((example) => names.length === 0 || names.includes(example.name));
  for (const example of chosen) console.log(show(example));
  console.log("✓: from these manifests, the model answers as the example's access table expects (docs/explain.md).");
  console.log(
    `${bold('npm run test:mesh')} sends the same requests through a real istiod and real Envoys (Linux, root, Go, ` +
      'Python; see docs/proof.md).',
  );
}

main();
