/**
 * What `explain` proposes for refused requests, applied to the mesh: the request then gets what was promised, and no
 * other request of the world is answered differently, unless the proposal says so. Worlds are those of broken
 * configurations, and generated ones, which `--seed` and `--worlds` choose.
 */
import { brokenConfigurations } from '../../model/broken';
import { differences } from '../../model/compare';
import { Proposed, proposalsIn, unannounced } from '../../model/proposals';
import { generateWorld } from '../../model/worlds/generate';
import { RecordedWorld } from '../../model/worlds/recorded';
import { World } from '../../model/worlds/world';
import { WorldLab } from '../differential/world-lab';

const SEED = Number(process.env.MESH_SEED ?? Math.floor(Date.now() / 1000));
const WORLDS = Number(process.env.MESH_WORLDS ?? (process.env.MESH_EVERYTHING ? 60 : 12));

const broken = brokenConfigurations().map(({ name, table, objects, requests }): World => ({
  name,
  mesh: table.mesh!,
  objects,
  requests: requests.map(({ expect: _expect, answeredBy: _answeredBy, cause: _cause, ...request }) => request),
}));
const generated = Array.from({ length: WORLDS }, (_, index) => generateWorld(SEED + index, 'second'));
const worlds = [...(process.env.MESH_WORLDS ? [] : broken), ...generated]
  .map((world) => ({ name: world.name, world, proposals: proposalsIn(world) }))
  .filter(({ proposals }) => proposals.length > 0);
const meshes = [...new Set(worlds.map(({ world }) => JSON.stringify(world.mesh)))];

describe(`seed ${SEED}, ${worlds.length} worlds with proposals`, () => {
  let applied = 0;

  describe.each(meshes)('%s', (mesh) => {
    let lab: WorldLab;
    beforeAll(async () => {
      lab = await WorldLab.up(JSON.parse(mesh));
    });
    afterAll(() => lab.down());

    test.each(worlds.filter(({ world }) => JSON.stringify(world.mesh) === mesh))(
      'world $name',
      async ({ world, proposals }) => {
        const before = await lab.ask(world);
        if (before.refused !== undefined) return;
        const wrong: string[] = [];
        for (const proposed of proposals) {
          applied++;
          const after = await lab.ask(proposed.changed);
          const faults = faultsOf(proposed, before, after);
          // An answer that varies proves nothing.
          if (faults.length > 0) wrong.push(...faultsOf(proposed, before, await lab.ask(proposed.changed)));
        }
        if (wrong.length > 0) throw new Error(wrong.join('\n\n'));
      },
    );
  });

  test('changes are proposed and applied', () => {
    console.log(`seed ${SEED}: ${applied} proposals applied in ${worlds.length} worlds`);
    expect(applied).toBeGreaterThan(0);
  });
});

/** Where the mesh does something else than a proposal says. */
function faultsOf(proposed: Proposed, before: RecordedWorld, after: RecordedWorld): string[] {
  const { request, change } = proposed;
  const about = `${JSON.stringify(request)}\n  ${[change.text, ...change.also, `then: ${change.then}`].join('\n  ')}`;
  if (after.refused !== undefined) return [`${about}\n  refused by ${after.refused.by}: ${after.refused.why}`];
  const own = after.answers.find((one) => JSON.stringify(one.request) === JSON.stringify(request))!;
  return [...differences(change.answer, own.answer), ...unannounced(proposed, before, after)].map(
    (fault) => `${about}\n  ${fault}`,
  );
}
