/** Broken configurations from questions of users show the reported symptom on the mesh. */
import { MeshSettings } from '../../../src/access/access-table';
import { brokenConfigurations } from '../../model/broken';
import { tableOf } from '../../model/worlds/table';
import { describeMesh } from '../support';

const all = brokenConfigurations();

for (const policy of ['REGISTRY_ONLY', 'ALLOW_ANY'] as NonNullable<MeshSettings['outboundTrafficPolicy']>[]) {
  describeMesh(policy, { table: { ...tableOf({ outboundTrafficPolicy: policy }) } }, (mesh) => {
    describe.each(all.filter(({ table }) => table.mesh?.outboundTrafficPolicy === policy))(
      '$name',
      ({ objects, requests }) => {
        beforeAll(() => mesh.lab.apply('manifests', objects).then(() => mesh.lab.converge()));

        test.each(requests)('$from $request', async ({ expect: expected, answeredBy, cause: _cause, ...request }) => {
          const { judgement } = await mesh.see({
            ...request,
            expect: { ...expected, ...(answeredBy !== undefined && { answeredBy }) },
          });
          expect(judgement.differences).toEqual([]);
        });
      },
    );
  });
}
