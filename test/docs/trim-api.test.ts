import { trimmed } from '../trim-api';

const row = (id: string) => `| <code><a href="#lib.A.${id}">${id}</a></code> | words |\n`;
const table = (...ids: string[]) => `| **Name** | **Description** |\n| --- | --- |\n${ids.map(row).join('')}\n---\n\n`;
const heading = (level: number, id: string) =>
  `${'#'.repeat(level)} \`${id}\` <a name="${id}" id="lib.A.${id}"></a>\n\nwords\n\n`;

test('what every construct has is taken out of the reference, with its empty tables; all else stays', () => {
  const kept =
    `### A\n\nIts words.\n\n#### Methods\n\n${table('open')}${heading(5, 'open')}${heading(6, 'open.parameter.id')}` +
    `#### Properties\n\n${table('property.host')}${heading(5, 'property.host')}### B\n\n`;
  const all =
    `### A\n\nIts words.\n\n#### Methods\n\n${table('toString', 'open', 'with')}${heading(5, 'toString')}` +
    `${heading(5, 'open')}${heading(6, 'open.parameter.id')}${heading(5, 'with')}${heading(6, 'with.parameter.mixins')}` +
    `#### Static Functions\n\n${table('isConstruct')}${heading(5, 'isConstruct')}${heading(6, 'isConstruct.parameter.x')}` +
    `#### Properties\n\n${table('property.node', 'property.host')}${heading(5, 'property.node')}${heading(5, 'property.host')}### B\n\n`;
  expect(trimmed(all)).toBe(kept);
  expect(trimmed(kept)).toBe(kept);
});
