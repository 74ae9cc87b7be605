/** Facts about Istio that many answers rest on, as `test/model/istio-facts.ts` says. */
import { CASES } from '../../model/istio-facts';
import { describeMesh } from '../support';

describe.each(CASES)('$name', ({ table, objects }) => {
  describeMesh('in the mesh', { table, manifests: objects }, (lab) => {
    beforeAll(async () => {
      await lab.lab.apply('manifests', objects);
      await lab.lab.converge();
    });

    test.each(table.access)('$from $request $headers', async (row) => {
      const { judgement } = await lab.see(row);
      expect(judgement.differences).toEqual([]);
    });
  });
});
