/**
 * `npx tsx test/mesh/differential/again.ts <file>`: asks the mesh again where the model disagrees with a recorded file.
 * An answer that differs from the recorded one is printed and written to the file: the mesh's answer varies, or the lab
 * has changed.
 */
import * as fs from 'fs';
import { WorldLab } from './world-lab';
import { tally, Tally } from '../../model/disagreements';
import { RecordedWorld } from '../../model/worlds/recorded';

async function main([file]: string[]): Promise<void> {
  const worlds = fs
    .readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as RecordedWorld);
  const total: Tally = { worlds: 0, compared: 0, answered: 0, undetermined: 0, disagreements: [] };
  for (const world of worlds) tally(total, world);
  const doubtful = [...new Set(total.disagreements.map(({ world }) => world))];
  const fresh = new Map<string, RecordedWorld>();
  for (const mesh of new Set(doubtful.map((world) => JSON.stringify(world.mesh)))) {
    const lab = await WorldLab.up(JSON.parse(mesh));
    try {
      for (const world of doubtful.filter((one) => JSON.stringify(one.mesh) === mesh)) {
        const again = await lab.ask({ ...world, requests: world.answers.map(({ request }) => request) });
        const same = JSON.stringify(again.answers) === JSON.stringify(world.answers);
        console.log(`world ${world.name}: ${same ? 'the same answer' : 'a different answer this time'}`);
        fresh.set(world.name, again);
      }
    } finally {
      lab.down();
    }
  }
  fs.writeFileSync(file, worlds.map((world) => `${JSON.stringify(fresh.get(world.name) ?? world)}\n`).join(''));
}

main(process.argv.slice(2)).then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
