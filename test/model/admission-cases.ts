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

/** All of test/model/admission.yaml, as a release line of Istio sees them: `on` says where an older one differs. */
export function admissionCases(line = '1.31'): AdmissionCase[] {
  const cases: any[] = parse(fs.readFileSync(path.join(__dirname, 'admission.yaml'), 'utf8'));
  return cases.map(({ kind, what, rejectedBy, on, annotations, spec }, index) => {
    const made = object(kind, 'shop', `case-${index}`, spec);
    return {
      what,
      rejectedBy: on && line in on ? (on[line] ?? undefined) : rejectedBy,
      object: annotations ? { ...made, metadata: { ...made.metadata, annotations } } : made,
    };
  });
}
