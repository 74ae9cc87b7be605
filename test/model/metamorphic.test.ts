/**
 * What must hold between the answers to two worlds, whatever the answers are. The worlds are those of the differential
 * tests, which are often wrong in meaning.
 */
import * as fc from '../support/fast-check';
import { modelOf } from './compare';
import { generateWorld } from './worlds/generate';
import { Random } from './worlds/random';
import { tableOf } from './worlds/table';
import { object, plain, World, WorldObject } from './worlds/world';
import { AccessTable } from '../../src/access/access-table';
import { Answer } from '../../src/model';

/** More worlds with `RUNS=<number>`. */
const RUNS = { numRuns: Number(process.env.RUNS ?? 150) };
const world = fc.noShrink(fc.nat({ max: 1_000_000 })).map(generateWorld);

test('an object that has nothing to do with it changes no answer', () => {
  fc.assert(
    fc.property(world, (made) => {
      const unrelated = [
        object('ServiceEntry', 'elsewhere', 'unrelated', {
          hosts: ['unrelated.invalid'],
          location: 'MESH_EXTERNAL',
          resolution: 'DNS',
          ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
          exportTo: ['.'],
        }),
        object('VirtualService', 'elsewhere', 'unrelated', {
          hosts: ['unrelated.invalid'],
          exportTo: ['.'],
          http: [{ directResponse: { status: 418 } }],
        }),
        object('DestinationRule', 'elsewhere', 'unrelated', {
          host: 'unrelated.invalid',
          trafficPolicy: { tls: { mode: 'SIMPLE' } },
          exportTo: ['.'],
        }),
        object('Gateway', 'elsewhere', 'unrelated', {
          selector: { istio: 'nobody' },
          servers: [{ port: { number: 443, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }],
        }),
        object('AuthorizationPolicy', 'elsewhere', 'unrelated', { action: 'DENY', rules: [{}] }),
        object('Sidecar', 'elsewhere', 'default', {
          egress: [{ hosts: ['~/*'] }],
          outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' },
        }),
      ];
      expect(answers({ ...made, objects: [...unrelated, ...made.objects] })).toEqual(answers(made));
    }),
    RUNS,
  );
});

test('the order of the documents does not matter, where every object has an age of its own', () => {
  fc.assert(
    fc.property(world, fc.nat(), (made, seed) => {
      const objects = made.objects.map((one, index) => ({
        ...one,
        metadata: { ...one.metadata, creationTimestamp: new Date(Date.UTC(2026, 0, 1, 0, 0, index)).toISOString() },
      }));
      expect(answers({ ...made, objects: new Random(seed).shuffled(objects) })).toEqual(answers({ ...made, objects }));
    }),
    RUNS,
  );
});

test('without ages the order does not matter either: names decide then', () => {
  fc.assert(
    fc.property(world, fc.nat(), (made, seed) => {
      const objects = made.objects.map(({ metadata: { creationTimestamp: _age, ...metadata }, ...one }) => ({
        ...one,
        metadata,
      }));
      expect(answers({ ...made, objects: new Random(seed).shuffled(objects) })).toEqual(answers({ ...made, objects }));
    }),
    RUNS,
  );
});

test('without DENY policies nothing is refused that was answered, and what a DENY has not refused stays as it was', () => {
  fc.assert(
    fc.property(world, (made) => {
      const denies = (one: WorldObject) => one.kind === 'AuthorizationPolicy' && one.spec.action === 'DENY';
      const before = asked(made);
      const after = asked({ ...made, objects: made.objects.filter((one) => !denies(one)) });
      before.forEach((answer, index) => {
        if (answer.outcome === 'answered') expect(outline(after[index])).toEqual(outline(answer));
      });
    }),
    RUNS,
  );
});

test('other names for namespaces, accounts and hosts give the same answers in the other names', () => {
  fc.assert(
    fc.property(world, (made) => {
      const renamed: World = rename(made);
      const table: AccessTable = rename(tableOf(made.mesh));
      // Not the reason: its prose has words that are also names.
      expect(asked(renamed, table).map(withoutReason)).toEqual(rename(asked(made).map(withoutReason)));
    }),
    RUNS,
  );
});

/** Names of equal length and equal order, so that nothing which goes by length or alphabet changes. */
const NAMES: readonly (readonly [RegExp, string])[] = [
  [/\bshop\b/g, 'shoq'],
  [/\bother\b/g, 'othes'],
  [/\bcheckout\b/g, 'checkouu'],
  [/\bcrawler\b/g, 'crawles'],
  [/\bexample\b/g, 'examplf'],
  [/\bEXAMPLE\b/g, 'EXAMPLF'],
  [/\bnews\b/g, 'newt'],
  [/\bNEWS\b/g, 'NEWT'],
];

function rename<T>(value: T): T {
  return JSON.parse(NAMES.reduce((text, [from, to]) => text.replace(from, to), JSON.stringify(value)));
}

function asked(made: World, table = tableOf(made.mesh)): Answer[] {
  const ask = modelOf(plain(made.objects), table);
  return made.requests.map(ask);
}

function answers(made: World): unknown[] {
  return asked(made).map(outline);
}

function withoutReason(answer: Answer): unknown {
  return outline({ ...answer, reason: '' });
}

/** What an access table can say, and why; not where in a list of documents something was found. */
function outline(answer: Answer): unknown {
  const { steps: _steps, causes: _causes, remarks: _remarks, alternatives, ...rest } = answer;
  return plain({ ...rest, alternatives: alternatives.length });
}
