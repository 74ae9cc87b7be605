/**
 * `npx tsx test/mesh/differential/record.ts <file> <first seed> <count>`: appends the mesh's answers in the
 * worlds generated from these seeds, one JSON line each.
 */
import * as fs from 'fs';
import { WorldLab } from './world-lab';
import { MeshSettings } from '../../../src/access/access-table';
import { generateWorld } from '../../model/worlds/generate';

async function main([file, first, count]: string[]): Promise<void> {
  const began = Date.now();
  const worlds = Array.from({ length: Number(count) }, (_, index) => generateWorld(Number(first) + index));
  const meshes = new Map<string, MeshSettings>(worlds.map((world) => [JSON.stringify(world.mesh), world.mesh]));
  let answered = 0;
  let requests = 0;
  let refused = 0;
  for (const [key, mesh] of meshes) {
    const lab = await WorldLab.up(mesh);
    try {
      for (const world of worlds.filter((one) => JSON.stringify(one.mesh) === key)) {
        const recorded = await lab.ask(world);
        fs.appendFileSync(file, `${JSON.stringify(recorded)}\n`);
        answered += recorded.answers.filter((one) => one.answer.outcome === 'answered').length;
        requests += recorded.answers.length;
        if (recorded.refused) refused++;
      }
    } finally {
      lab.down();
    }
  }
  console.log(
    `${worlds.length} worlds, ${refused} refused, ${requests} requests, ${answered} answered, ` +
      `${((Date.now() - began) / 1000).toFixed(0)} s`,
  );
}

main(process.argv.slice(2)).then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
