import { KubeObject, without } from './lab';
import { plain, Sight } from './support';
import { AccessRow, AccessTable } from '../../src/access/access-table';
import { differences, modelOf } from '../model/compare';
import { MeshAnswer } from '../model/worlds/recorded';

/** The model must say of each row what the mesh does; undetermined is not good enough for our own examples. */
export function agreement(table: AccessTable, manifests: KubeObject[]): (row: AccessRow, sight: Sight) => void {
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
