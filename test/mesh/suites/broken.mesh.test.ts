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
          const { evidence, judgement } = await mesh.see({ ...request, expect: expected });
          // An answer of another host is an error in every other suite; here it may be the reported symptom.
          const differs = judgement.differences.filter(
            (one) => answeredBy === undefined || !one.includes('answered for'),
          );
          expect(differs).toEqual([]);
          if (answeredBy !== undefined)
            expect(evidence.external.filter((event) => event.event === 'tcp').pop()?.server).toBe(answeredBy);
        });
      },
    );
  });
}
