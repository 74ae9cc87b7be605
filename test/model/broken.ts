import * as fs from 'fs';
import * as path from 'path';
import { parseAllDocuments } from 'yaml';
import { tableOf } from './worlds/table';
import { Request, WorldObject } from './worlds/world';
import { AccessTable, Expectation, MeshSettings } from '../../src/access/access-table';

const FOLDER = path.join(__dirname, 'broken');

/** The object that was found to be the cause, with the field where it matters. */
export interface Cause {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly field?: string;
}

export interface BrokenRequest extends Request {
  readonly expect: Expectation;
  /** The external host that answers, if not the one in the request. */
  readonly answeredBy?: string;
  readonly cause?: Cause;
}

/** A broken configuration from a public issue, reduced to a small one. */
export interface Broken {
  readonly name: string;
  readonly thread: string;
  /** The cause in words. */
  readonly found: string;
  readonly table: AccessTable;
  readonly objects: WorldObject[];
  readonly requests: BrokenRequest[];
}

/** All of test/model/broken. The first document of a file says what was found; the others are objects, oldest first. */
export function brokenConfigurations(): Broken[] {
  return fs
    .readdirSync(FOLDER)
    .filter((file) => file.endsWith('.yaml'))
    .sort()
    .map((file) => {
      const text = fs.readFileSync(path.join(FOLDER, file), 'utf8');
      const [about, ...objects] = parseAllDocuments(text).map((document) => {
        if (document.errors.length > 0) throw new Error(`${file}: ${document.errors[0].message}`);
        return document.toJS();
      });
      const mesh: MeshSettings = about.mesh ?? { outboundTrafficPolicy: 'REGISTRY_ONLY' };
      const aged = (object: WorldObject, index: number): WorldObject => ({
        ...object,
        metadata: {
          ...object.metadata,
          creationTimestamp: new Date(Date.UTC(2026, 0, 1, 0, 0, index)).toISOString().replace('.000', ''),
        },
      });
      return {
        name: file.replace('.yaml', ''),
        thread: /^# (https:\S+)/.exec(text)?.[1] ?? '',
        found: about.found,
        table: tableOf(mesh),
        objects: (objects as WorldObject[]).map(aged),
        requests: about.requests,
      };
    });
}
