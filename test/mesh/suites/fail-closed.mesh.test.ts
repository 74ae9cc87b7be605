/**
 * With any one object missing, a request takes the same way with the same checks, or it is refused. Every object of every example
 * that originates TLS or uses a gateway is removed in turn; every caller asks every host every time.
 */
import { meshExamples } from '../examples';
import { idOf, without } from '../lab';
import { everyRequest, isLock, uncheckedCertificates, undeclared, worseText } from '../promises';
import { describeMesh, plain, Sight } from '../support';

/** Not removed: pods keep what their templates gave them, istiod remembers for minutes who may read Secrets, and the rest decides about no request here. */
const KEPT = ['Deployment', 'ServiceAccount', 'Role', 'RoleBinding', 'Namespace', 'PodDisruptionBudget', 'HorizontalPodAutoscaler', 'NetworkPolicy'];

const promising = meshExamples().filter(({ manifests }) => manifests.some(({ kind }) => kind === 'Gateway' || kind === 'DestinationRule'));

for (const { name, table, manifests } of promising) {
  describeMesh(name, { table, manifests }, mesh => {
    const rows = everyRequest(table);
    const complete: Sight[] = [];

    beforeAll(async () => {
      await mesh.apply(manifests);
      for (const row of rows) complete.push(await mesh.see(row));
    });

    test('complete: certificates are checked', async () => {
      expect(await uncheckedCertificates(mesh, complete)).toEqual([]);
    });

    for (const object of manifests.filter(({ kind }) => !KEPT.includes(kind))) {
      test(`without ${idOf(object)}`, async () => {
        await mesh.apply(without(manifests, idOf(object)));
        const now: Sight[] = [];
        for (const row of rows) now.push(await mesh.see(row));
        const judged = now.map((sight, index) => ({ before: complete[index], sight }))
          // Without the lock, what nobody has declared passes: that is all it was for.
          .filter(({ before }) => !(isLock(object, table) && undeclared(before)));
        const worse = judged.flatMap(({ before, sight }) => worseText(before, sight));
        if (worse.length > 0) throw plain(worse.join('\n\n'));
        expect(await uncheckedCertificates(mesh, now)).toEqual([]);
      });
    }
  });
}
