import * as fs from 'fs';
import * as path from 'path';
import { parse } from 'yaml';
import { object, WorldObject } from './worlds/world';

/** An object, and what admission said to it. */
export interface AdmissionCase {
  /** What is special about it. */
  readonly what: string;
  readonly rejectedBy?: 'schema' | 'webhook';
  readonly object: WorldObject;
}

/** All of test/model/admission.yaml. */
export function admissionCases(): AdmissionCase[] {
  const cases: any[] = parse(fs.readFileSync(path.join(__dirname, 'admission.yaml'), 'utf8'));
  return cases.map(({ kind, what, rejectedBy, spec }, index) => ({
    what,
    rejectedBy,
    object: object(kind, 'shop', `case-${index}`, spec),
  }));
}
