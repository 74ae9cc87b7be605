import { YamlDocument } from './yaml-documents';
import { EgressObject } from '../manifests/egress-object';

/** An object of a file. */
export interface ReadObject extends EgressObject {
  readonly place: Place;
}

/** Where an object is written. */
export interface Place {
  readonly file: string;
  readonly document: YamlDocument;
  /** The steps from the document to the object, which may be an item of a List. */
  readonly path: readonly (string | number)[];
}
