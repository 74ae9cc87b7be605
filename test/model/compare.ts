import { MeshAnswer } from './worlds/recorded';
import { tableOf } from './worlds/table';
import { Request } from './worlds/world';
import { AccessTable, Expectation } from '../../src/access/access-table';
import { Answer, EgressModel, worldOf } from '../../src/model';

/** Fields that both judges have words for. */
const FIELDS = [
  'outcome',
  'status',
  'redirects',
  'symptom',
  'by',
  'via',
  'tlsOriginatedBy',
  'plaintextToHost',
  'identityAtGateway',
  'serverName',
  'protocol',
  'clientCertificate',
] as const satisfies readonly (keyof Expectation)[];

/** Asks the model what a mesh with these objects would do. */
export function modelOf(objects: readonly object[], table: AccessTable): (request: Request) => Answer {
  const model = EgressModel.of(
    objects.map((manifest, index) => ({ manifest, origin: `document ${index + 1}` })),
    worldOf(table),
  );
  return ({ from, request, ...rest }) => {
    const caller = table.callers.find((one) => one.name === from);
    if (caller === undefined) throw new Error(`there is no caller "${from}"`);
    return model.ask(caller, { url: request, ...rest });
  };
}

/**
 * What the model says otherwise than the mesh, each a line `field: model …, mesh …`. The model agrees when one of the
 * answers that it holds possible does; what it leaves undetermined is no disagreement, and counted by those who ask.
 */
export function differences(answer: Answer, mesh: MeshAnswer): string[] {
  if (answer.outcome === 'undetermined') return [];
  const own = FIELDS.filter((field) => !agree(field, answer, mesh)).map(
    (field) => `${field}: model ${text(answer[field])}, mesh ${text(mesh[field])}`,
  );
  const all =
    mesh.answeredBy !== undefined && answer.destination !== undefined && !endsAt(answer.destination, mesh.answeredBy)
      ? [...own, `destination: model ${answer.destination}, mesh ${mesh.answeredBy}`]
      : own;
  if (
    all.length > 0 &&
    answer.alternatives.some(({ answer: other }) => differences({ ...other, alternatives: [] }, mesh).length === 0)
  )
    return [];
  return all;
}

function agree(field: (typeof FIELDS)[number], answer: Answer, mesh: MeshAnswer): boolean {
  // No certificate was shown, or nobody was there to show one to.
  if (field === 'clientCertificate') return (answer[field] ?? false) === (mesh[field] ?? false);
  if (text(answer[field]) === text(mesh[field])) return true;
  // An application that does not accept a certificate says so in a way of its own, for which an access table has no
  // word.
  if (field === 'symptom') return String(mesh.symptom).startsWith('curl ') && answer.outcome === 'refused';
  // The application refuses what it is shown, wherever that came from.
  if (field === 'by' && String(mesh.symptom).startsWith('curl ')) return true;
  // Whether a gateway's log still tells who it was that it broke the handshake off with is a matter of luck.
  if (
    field === 'identityAtGateway' &&
    answer[field] === undefined &&
    (mesh.symptom === 'tls-closed' || mesh.symptom === 'closed')
  )
    return true;
  // Of a refused request the mesh shows only what happened; the model may know how far it would have gone.
  return mesh.outcome === 'refused' && mesh[field] === undefined;
}

function endsAt(destination: string, host: string): boolean {
  const name = destination.replace(/:\d+$/, '').toLowerCase().replace(/\.$/, '');
  const address = tableOf({}).external.find((external) => external.host === host)?.address;
  return address === undefined || name === host || name === address;
}

function text(value: unknown): string {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return 'nothing';
  return Array.isArray(value) ? value.join(', ') : String(value);
}
