/**
 * `npx tsx test/mesh/differential/keep.ts <how many> <recorded file…>`: chooses worlds that differ from each other and
 * keeps the mesh's answers as the regression data of test/model/recorded.
 */
import * as fs from 'fs';
import { RecordedWorld } from '../../model/worlds/recorded';
import { writeRecorded } from '../../model/worlds/recorded-file';

const A_FILE = 50;
/** In characters of JSON: longer worlds show nothing that shorter ones do not. */
const LONGEST = 4000;

function main([count, ...files]: string[]): void {
  const all = files.flatMap((file) =>
    fs
      .readFileSync(file, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as RecordedWorld),
  );
  const fit = all.filter(
    (world) => !world.refused && world.answers.length > 0 && JSON.stringify(world).length < LONGEST,
  );
  const left = new Map(
    fit.map((world) => [world.name, { world, size: JSON.stringify(world).length, kinds: kindsOf(world) }]),
  );
  const seen = new Map<string, number>();
  const chosen: RecordedWorld[] = [];
  while (chosen.length < Number(count) && left.size > 0) {
    const value = ({ kinds, size }: { kinds: string[]; size: number }) =>
      kinds.reduce((sum, kind) => sum + 1 / (1 + (seen.get(kind) ?? 0)), 0) / size ** 1.3;
    const best = [...left.values()].reduce((one, other) => (value(other) > value(one) ? other : one));
    for (const kind of best.kinds) seen.set(kind, (seen.get(kind) ?? 0) + 1);
    chosen.push(best.world);
    left.delete(best.world.name);
  }
  chosen.sort((a, b) => Number(a.name) - Number(b.name));
  for (let at = 0; at < chosen.length; at += A_FILE)
    writeRecorded(`worlds-${String(at / A_FILE + 1).padStart(2, '0')}.yaml`, chosen.slice(at, at + A_FILE));
  console.log(`${chosen.length} of ${left.size + chosen.length} worlds, ${seen.size} kinds of answers`);
}

/** A coarse description of a world: its kinds of objects, and the outcome of each request. */
function kindsOf({ objects, answers, mesh }: RecordedWorld): string[] {
  const objectKinds = [
    ...new Set(
      objects.map(({ kind, spec }) =>
        [kind, spec?.resolution, spec?.servers?.[0]?.tls?.mode, spec?.action].filter(Boolean).join(' '),
      ),
    ),
  ].sort();
  return answers.flatMap(({ request, answer }) => {
    const what = [
      request.request.split(':')[0],
      answer.outcome,
      answer.via,
      answer.symptom,
      answer.by,
      answer.tlsOriginatedBy,
    ].join(' ');
    return [`${JSON.stringify(mesh)} ${what}`, ...objectKinds.map((kind) => `${what} ${kind}`)];
  });
}

main(process.argv.slice(2));
