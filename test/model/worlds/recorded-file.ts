import * as fs from 'fs';
import * as path from 'path';
import { parse, stringify } from 'yaml';
import { MeshAnswer, RecordedWorld } from './recorded';
import { object, WorldObject } from './world';

const FOLDER = path.join(__dirname, '../recorded');

/** Values that most answers have in common; the files leave them out. */
const USUAL: Partial<MeshAnswer> = { outcome: 'refused', plaintextToHost: false, clientCertificate: false };

/** Reads the recorded worlds: one object or answer per line. */
export function readRecorded(): RecordedWorld[] {
  return fs
    .readdirSync(FOLDER)
    .filter((file) => file.endsWith('.yaml'))
    .sort()
    .flatMap((file) =>
      (parse(fs.readFileSync(path.join(FOLDER, file), 'utf8')) as any[]).map(
        ({ world, mesh, objects, answers }): RecordedWorld => ({
          name: String(world),
          mesh: typeof mesh === 'string' ? { outboundTrafficPolicy: mesh as 'REGISTRY_ONLY' } : mesh,
          objects: objects.map(({ kind, in: namespace, name, age, labels, ...rest }: any): WorldObject => {
            const made = object(kind, namespace, name, undefined);
            return {
              ...made,
              metadata: { ...made.metadata, ...(labels && { labels }), creationTimestamp: stamp(age) },
              ...(kind.startsWith('Role') ? rest : { spec: {}, ...rest }),
            };
          }),
          answers: answers.map(({ answer, ...request }: any) => ({ request, answer: { ...USUAL, ...answer } })),
        }),
      ),
    );
}

export function writeRecorded(file: string, worlds: readonly RecordedWorld[]): void {
  const head =
    '# What a real mesh answered (docs/model.md). Written by test/mesh/differential/keep.ts; `age` is the ' +
    'order of creation, in seconds.\n';
  const inLine = (value: unknown) =>
    stringify(value, { collectionStyle: 'flow', flowCollectionPadding: false, lineWidth: 0 }).trimEnd();
  const text = worlds
    .map(({ name: world, mesh, objects, answers }) =>
      [
        `- world: ${world}`,
        `  mesh: ${Object.keys(mesh).length === 1 ? mesh.outboundTrafficPolicy : inLine(mesh)}`,
        '  objects:',
        ...objects.map(({ apiVersion: _usual, kind, metadata, ...rest }) => {
          const age = secondsOf(metadata.creationTimestamp!);
          const { namespace, name, labels } = metadata;
          return `    - ${inLine({ kind, in: namespace, name, age, ...(labels && { labels }), ...rest })}`;
        }),
        '  answers:',
        ...answers.map(({ request, answer }) => `    - ${inLine({ ...request, answer: unusual(answer) })}`),
      ].join('\n'),
    )
    .join('\n');
  fs.mkdirSync(FOLDER, { recursive: true });
  fs.writeFileSync(path.join(FOLDER, file), `${head}${text}\n`);
}

function unusual(answer: MeshAnswer): Partial<MeshAnswer> {
  return Object.fromEntries(
    Object.entries(answer).filter(([field, value]) => USUAL[field as keyof MeshAnswer] !== value),
  );
}

const BEGINNING = Date.UTC(2026, 0, 1);

function stamp(age: number): string {
  return new Date(BEGINNING + age * 1000).toISOString().replace('.000', '');
}

function secondsOf(creation: string): number {
  return (Date.parse(creation) - BEGINNING) / 1000;
}
