/** Every row of every example, held by the mesh against what it expects, and the model against the mesh. */
import { AccessRow, AccessTable } from '../../../src/access/access-table';
import { differences, modelOf } from '../../model/compare';
import { MeshAnswer } from '../../model/worlds/recorded';
import { meshExamples, numberedRows } from '../examples';
import { KubeObject, without } from '../lab';
import { describeMesh, plain, Sight, titleOf } from '../support';

for (const { name, table, manifests } of meshExamples()) {
  const rows = numberedRows(table).map(({ number, row }) => ({ title: `${number}  ${titleOf(row)}`, row }));
  if (rows.length > 0)
    describeMesh(name, { table, manifests }, (mesh) => mesh.testRows(rows, manifests, agreement(table, manifests)));
}

/** The model must say of each row what the mesh does; undetermined is not good enough for our own examples. */
function agreement(table: AccessTable, manifests: KubeObject[]): (row: AccessRow, sight: Sight) => void {
  return (row, { judgement: { seen } }) => {
    const { expect: _expect, without: left, ...request } = row;
    const answer = modelOf(without(manifests, left), table)(request);
    const { contradictions: _c, addedHeaders: _a, removedHeaders: _r, hostHeader: _h, ...mesh } = seen;
    const differs =
      answer.outcome === 'undetermined'
        ? ['outcome: the model says undetermined']
        : differences(answer, mesh as MeshAnswer);
    if (differs.length === 0) return;
    throw plain(
      [
        `the model disagrees with the mesh about ${row.from} ${row.request}`,
        ...differs,
        `mesh:  ${JSON.stringify(mesh)}`,
        `model: ${answer.reason}`,
        ...answer.steps.map((step) => `  ${step.hop}: ${step.text}`),
      ].join('\n'),
    );
  };
}
