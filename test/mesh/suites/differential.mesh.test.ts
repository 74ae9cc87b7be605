/**
 * Worlds that nobody has seen before: what the mesh does, the model must have said. `--seed` and `--worlds` choose
 * them; the seed is printed, so that a world can be made again. An answer that the model does not share is asked for
 * twice: what varies proves nothing.
 */
import { MeshSettings } from '../../../src/access/access-table';
import { report, tally, Tally } from '../../model/disagreements';
import { generateWorld } from '../../model/worlds/generate';
import { WorldLab } from '../differential/world-lab';

const SEED = Number(process.env.MESH_SEED ?? Math.floor(Date.now() / 1000));
const WORLDS = Number(process.env.MESH_WORLDS ?? 60);
/**
 * Of the answers, at least so many must come from outside, and at most so many may be left undetermined: else little is
 * proven.
 */
const LEAST_ANSWERED = 0.25;
const MOST_UNDETERMINED = 0.1;

const worlds = Array.from({ length: WORLDS }, (_, index) => generateWorld(SEED + index));
const policies = [...new Set(worlds.map(({ mesh }) => mesh.outboundTrafficPolicy))] as NonNullable<
  MeshSettings['outboundTrafficPolicy']
>[];
const total = newTally();

describe(`seed ${SEED}, ${WORLDS} worlds`, () => {
  describe.each(policies)('%s', (policy) => {
    let lab: WorldLab;
    beforeAll(async () => {
      lab = await WorldLab.up({ outboundTrafficPolicy: policy });
    });
    afterAll(() => lab.down());

    test.each(
      worlds.filter(({ mesh }) => mesh.outboundTrafficPolicy === policy).map((world) => ({ name: world.name, world })),
    )('world $name', async ({ world }) => {
      const first = await lab.ask(world);
      const one = newTally();
      tally(one, first);
      add(one);
      if (one.disagreements.length === 0) return;
      const doubtful = one.disagreements.map(({ asked }) => JSON.stringify(asked.request));
      const again = newTally();
      tally(again, await lab.ask(world));
      const lasting = again.disagreements.filter(({ asked }) => doubtful.includes(JSON.stringify(asked.request)));
      if (lasting.length > 0) throw new Error(lasting.map(report).join('\n\n'));
      console.log(`world ${world.name}: the mesh answered otherwise when it was asked again`);
    });
  });

  test('enough was answered, and hardly anything left undetermined', () => {
    console.log(
      `seed ${SEED}: ${total.worlds} worlds, ${total.compared} answers, ${total.answered} from outside, ` +
        `${total.undetermined} undetermined by the model`,
    );
    expect(total.answered / total.compared).toBeGreaterThan(LEAST_ANSWERED);
    expect(total.undetermined / total.compared).toBeLessThan(MOST_UNDETERMINED);
  });
});

function newTally(): Tally {
  return { worlds: 0, compared: 0, answered: 0, undetermined: 0, disagreements: [] };
}

function add(one: Tally): void {
  total.worlds += one.worlds;
  total.compared += one.compared;
  total.answered += one.answered;
  total.undetermined += one.undetermined;
}
