/** What a gateway does to requests before it routes them, as `test/model/at-the-gateway.ts` says. */
import { CASES, TABLE } from '../../model/at-the-gateway';
import { describeMesh } from '../support';

const settings = [...new Set(CASES.map(({ mesh }) => JSON.stringify(mesh)))];

describe.each(settings)('%s', (mesh) => {
  describeMesh('at the gateway', { table: { ...TABLE, mesh: JSON.parse(mesh) } }, (lab) => {
    describe.each(CASES.filter((one) => JSON.stringify(one.mesh) === mesh))('$name', ({ objects, rows, waits }) => {
      beforeAll(async () => {
        await lab.lab.apply('manifests', objects);
        await lab.lab.converge({ tolerateWarming: waits });
      });

      test.each(rows)('$from $request $headers', async (row) => {
        const { judgement } = await lab.see(row);
        expect(judgement.differences).toEqual([]);
      });
    });
  });
});
