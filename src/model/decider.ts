import { Decider } from './answer';
import { Indexed } from '../manifests/indexed';

/** Names an object, and the field of it that decided something. */
export function by(object: Indexed, field?: string): Decider {
  return {
    kind: object.kind,
    namespace: object.namespace,
    name: object.name,
    ...(field !== undefined && { field }),
    get origin() {
      return object.origin;
    },
  };
}

/** What no object decides but the mesh's own settings do. */
export function byMesh(field: string): Decider {
  return { kind: 'MeshConfig', namespace: '', name: 'mesh', field };
}
