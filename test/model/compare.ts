import { MeshAnswer } from './worlds/recorded';
import { tableOf } from './worlds/table';
import { Request } from './worlds/world';
import { AccessTable, Expectation } from '../../src/access/access-table';
import { Manifest } from '../../src/manifests/egress-object';
import { Answer, EgressModel, worldOf } from '../../src/model';

/** The fields that both judges report. */
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

/** A model of a mesh with these objects, for requests as in an access table. */
export function modelOf(objects: readonly object[], table: AccessTable): (request: Request) => Answer {
  const model = EgressModel.of(
    objects.map((manifest, index) => ({ manifest: manifest as Manifest, origin: `document ${index + 1}` })),
    worldOf(table),
  );
  return ({ from, request, ...rest }) => {
    const caller = table.callers.find((one) => one.name === from);
    if (caller === undefined) throw new Error(`there is no caller "${from}"`);
    return model.ask(caller, { url: request, ...rest });
  };
}

/**
 * Where the model differs from the mesh, one line `field: model …, mesh …` each. The model agrees if one of its
 * alternatives does. An undetermined answer is not a disagreement; callers count those themselves.
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
  // Either no certificate was presented, or there was no host to present it to.
  if (field === 'clientCertificate') return (answer[field] ?? false) === (mesh[field] ?? false);
  if (text(answer[field]) === text(mesh[field])) return true;
  // Whichever spelling came first: Envoy uses one connection for all spellings of a server name.
  if (field === 'serverName' && text(answer[field]).toLowerCase() === text(mesh[field]).toLowerCase()) return true;
  // How often an application follows redirects that lead in a circle, before it gives up (curl 47), is its own choice.
  if (field === 'redirects' && text(mesh.symptom) === 'curl 47')
    return answer.outcome === 'refused' && text([...new Set(answer[field])]) === text([...new Set(mesh[field])]);
  // Recordings have the exit code of curl, or gRPC's status, where access tables had no word for it.
  const isRecordedAsCode = /^(curl|grpc) /.test(String(mesh.symptom));
  if (field === 'symptom') return isRecordedAsCode && answer.outcome === 'refused';
  // The application rejects the certificate, wherever it came from.
  if (field === 'by' && (isRecordedAsCode || mesh.symptom === 'certificate-rejected')) return true;
  // A proxy that reads no request opens the connection to the host before a policy refuses what the caller sends, or the
  // caller refuses the proxy's certificate.
  if (
    (field === 'by' || field === 'serverName') &&
    mesh.by === 'host' &&
    mesh.via === 'gateway' &&
    answer.by === 'gateway' &&
    (mesh.symptom === 'certificate-rejected' || answer.causes.some(({ kind }) => kind === 'AuthorizationPolicy'))
  )
    return true;
  // Whether a gateway still logs the identity of a caller whose handshake it aborted is a matter of timing.
  if (
    field === 'identityAtGateway' &&
    answer[field] === undefined &&
    (mesh.symptom === 'tls-closed' || mesh.symptom === 'closed')
  )
    return true;
  // For a refused request the mesh shows only what happened; the model may know more about its egress path.
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
