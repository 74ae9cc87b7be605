/** Every row of every example, held by the mesh against what it expects, and the model against the mesh. */
import { agreement } from '../agreement';
import { meshExamples, numberedRows } from '../examples';
import { describeMesh, titleOf } from '../support';

for (const { name, table, manifests } of meshExamples()) {
  const rows = numberedRows(table).map(({ number, row }) => ({ title: `${number}  ${titleOf(row)}`, row }));
  if (rows.length > 0)
    describeMesh(name, { table, manifests }, (mesh) => mesh.testRows(rows, manifests, agreement(table, manifests)));
}
