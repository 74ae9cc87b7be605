/**
 * `npx tsx test/mesh/differential/compare.ts <file…>`: compares the model with recorded worlds, without a mesh, and
 * prints every disagreement with both answers and the world.
 */
import * as fs from 'fs';
import { report, tally, Tally } from '../../model/disagreements';
import { RecordedWorld } from '../../model/worlds/recorded';

const total: Tally = { worlds: 0, compared: 0, answered: 0, undetermined: 0, disagreements: [] };
for (const file of process.argv.slice(2)) {
  for (const line of fs.readFileSync(file, 'utf8').split('\n').filter(Boolean))
    tally(total, JSON.parse(line) as RecordedWorld);
}
for (const one of total.disagreements) console.log(report(one));
console.log(
  `${total.worlds} worlds, ${total.compared} answers (${total.answered} answered), ${total.undetermined} ` +
    `undetermined by the model, ${total.disagreements.length} disagreements`,
);
