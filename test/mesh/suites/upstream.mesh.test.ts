/** What a proxy sends to the external host, and who answers: the same table as the model's. */
import { upstreamWorld } from '../../model/upstream-world';
import { describeMesh } from '../support';

const { table, objects } = upstreamWorld();

describeMesh('towards the host', { table, manifests: objects }, (mesh) => {
  mesh.testRows(table.access.map((row) => ({ title: `${row.request}${row.speak ? `, ${row.speak}` : ''}`, row })));
});
