/**
 * Synthesises every example, or those named, and shows what they emit and who sees what: `npm run demo [-- name...]`.
 */
import * as fs from 'fs';
import * as path from 'path';
import { Example, examples, judged, linesOf, objectsIn, synthesise } from './examples';
import { AccessRow } from '../src/access/access-table';
import { JudgedRow } from '../src/explain';

const colours = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code: number, text: string) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);
const bold = (text: string) => paint(1, text);
const dim = (text: string) => paint(2, text);

/** The way of a request in a few words. */
function via({ expect }: AccessRow): string {
  if (expect.outcome === 'refused')
    return expect.by ? `refused by the ${expect.by === 'host' ? 'external host' : expect.by}` : 'refused';
  const paths: Record<string, string> = {
    direct: 'past the sidecar',
    undeclared: 'let through',
    sidecar: 'from the sidecar',
    gateway: 'through the gateway',
  };
  return expect.via ? paths[expect.via] : '';
}

function outcome({ expect }: AccessRow): string {
  const symptoms: Record<string, string> = { 'tls-closed': 'TLS closed', closed: 'closed', timeout: 'timeout' };
  const end =
    expect.outcome === 'answered'
      ? String(expect.status ?? 'answered')
      : (symptoms[String(expect.symptom)] ?? String(expect.symptom ?? 'refused'));
  return [...(expect.redirects ?? []), end].join(', then ');
}

function request(row: AccessRow): string {
  const host = row.headers?.Host ? ` as "${row.headers.Host}"` : '';
  return `${row.request}${host}${row.dial ? ` at ${row.dial}` : ''}${row.follow ? ' and on' : ''}`;
}

function table(answers: JudgedRow[]): string {
  const rows = answers.map(({ row }) => row);
  const head = ['', 'caller', 'request', 'sees', 'via', 'TLS begun by', 'gateway knows', 'without'];
  const cells = answers.map(({ row, wrong }) => [
    wrong.length === 0 ? '✓' : '✗',
    row.from,
    request(row),
    outcome(row),
    via(row),
    row.expect.tlsOriginatedBy ?? '',
    row.expect.identityAtGateway ?? '',
    [row.without ?? []].flat().join(', '),
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

async function show(example: Example): Promise<string> {
  const manifests = await synthesise(example);
  const folder = path.join(example.folder, 'dist');
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  for (const [name, text] of manifests) fs.writeFileSync(path.join(folder, name), text);
  const where = [...manifests.keys()].map((name) => path.relative(process.cwd(), path.join(folder, name)));
  return [
    bold(`${example.name}: ${example.title}`),
    example.purpose,
    `${objectsIn(manifests).length} objects from ${linesOf(example)} lines of TypeScript, in ${where.join(', ')}`,
    '',
    table(judged(example, manifests)),
    '',
  ].join('\n');
}

async function main() {
  const names = process.argv.slice(2);
  const chosen = examples().filter((example) => names.length === 0 || names.includes(example.name));
  if (chosen.length === 0) {
    console.error(
      `no example is called ${names.join(' or ')}; there are ${examples()
        .map((example) => example.name)
        .join(', ')}`,
    );
    process.exit(1);
  }
  // Two at a time, shown in order.
  for (let index = 0; index < chosen.length; index += 2) {
    for (const text of await Promise.all(chosen.slice(index, index + 2).map(show))) console.log(text);
  }
  console.log('✓: the model of egress answers the row from these manifests as the table says (docs/explain.md).');
  console.log(
    `Each row is what a real istiod with real Envoys does: ${bold('npm run test:mesh')} (Linux, root, Go, ` +
      'Python; see docs/proof.md).',
  );
}

void main();
